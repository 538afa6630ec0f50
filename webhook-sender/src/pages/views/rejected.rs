//! Rejected events, of a tenant or of none: their reasons, and their correction.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::pages::error::PageError;
use crate::pages::json_text::readable;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::text::Text;
use crate::pages::visit::{Posted, Visit};
use crate::pages::wire::{Field, List, Rejected};

/// The most bytes of data that the form holds: percent-encoded, they fit into a form.
const MAX_EDITED: usize = 128 * 1024;

/// The fields of an event that can be corrected beside its data, with their labels. That of a tenant's event
/// stays in the tenant.
const CORRECTABLE: [(&str, &str); 5] = [
    (TENANT, "Tenant"),
    ("type", "Type"),
    ("id", "Event id"),
    ("timestamp", "Timestamp"),
    ("ordering_key", "Ordering key"),
];

const TENANT: &str = "tenant";

#[derive(Template)]
#[template(path = "rejected.html")]
struct RejectedList {
    page: Page,
    rows: Vec<(Rejected, Link)>,
    older: Option<Link>,
    newest: Option<Link>,
}

#[derive(Template)]
#[template(path = "rejected_event.html")]
struct RejectedPage {
    page: Page,
    rejected: Rejected,
    draft: Draft,
    data: Data,
    failure: Option<Text>,
    action: Link,
}

/// The values of the form's fields.
struct Draft {
    fields: Vec<Correction>,
    data: String,
}

/// The data of a rejected event, as far as the form can hold it.
enum Data {
    Shown,
    /// The event has none, or none that is text.
    Unreadable,
    TooLarge {
        bytes: usize,
    },
}

/// The corrections, as the API takes them.
#[derive(Serialize)]
struct Corrections {
    #[serde(flatten)]
    fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
}

/// A field of the form. Its text must come back unchanged.
struct Correction {
    name: &'static str,
    label: &'static str,
    value: String,
}

pub async fn list(visit: Visit) -> Result<Response, PageError> {
    let cursor = visit.query("cursor");
    let route = if visit.has_tenant() {
        visit.route("dead-letters")
    } else {
        Link::new("/v1/dead-letters")
    };
    let route = route.query("cursor", cursor);
    let list: List<Rejected> = visit.get(route).await?;
    let here = visit.here("rejected");
    let linked = |it: Rejected| {
        let link = here.clone().push(it.id.raw());
        (it, link)
    };
    html(&RejectedList {
        page: page(&visit, "Rejected events"),
        rows: list.items.into_iter().map(linked).collect(),
        older: list.next_cursor.map(|it| here.clone().query("cursor", &it)),
        newest: (!cursor.is_empty()).then_some(here),
    })
}

/// Returns the frame of a page.
fn page(visit: &Visit, title: &str) -> Page {
    if visit.has_tenant() {
        visit.page(title, "rejected")
    } else {
        visit.page(format!("{title} without a tenant"), "unassigned")
    }
}

/// Returns the fields of the form.
fn correctable(visit: &Visit) -> impl Iterator<Item = (&'static str, &'static str)> {
    let has_tenant = visit.has_tenant();
    let all = CORRECTABLE.into_iter();
    all.filter(move |(name, _)| !has_tenant || *name != TENANT)
}

/// Finds a rejected event by its id: of the tenant, or of none.
async fn find(visit: &Visit) -> Result<Rejected, PageError> {
    if !visit.has_tenant() {
        let route = Link::new("/v1/dead-letters").push(visit.name("id"));
        let found: Rejected = visit.get(route).await?;
        let found = Some(found).filter(|found| found.tenant.is_none());
        return found.ok_or_else(|| PageError::not_found("rejected event"));
    }
    let route = visit.route("events").push(visit.name("id"));
    let found: crate::pages::wire::RejectedDetails = visit.get(route).await?;
    found
        .rejected()
        .ok_or_else(|| PageError::not_found("rejected event"))
}

impl Data {
    /// Returns the data, and the text that the form shows of it.
    fn of(rejected: &Rejected) -> (Self, String) {
        let named = rejected.fields.iter();
        let mut named = named.filter(|(name, _)| name.text().is_some_and(|it| it.raw() == "data"));
        match named.next() {
            Some((_, Field::Text(text))) if text.raw().len() > MAX_EDITED => {
                let bytes = text.raw().len();
                (Self::TooLarge { bytes }, String::new())
            }
            Some((_, Field::Text(text))) => (Self::Shown, readable(text.raw())),
            Some((_, Field::Bytes { .. })) | None => (Self::Unreadable, String::new()),
        }
    }

    fn is_shown(&self) -> bool {
        matches!(self, Self::Shown)
    }
}

/// Returns text as a form sends it back.
fn unified(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.trim().to_owned()
}

pub async fn show(visit: Visit) -> Result<Response, PageError> {
    let rejected = find(&visit).await?;
    let value = |name| rejected.field(name).map(Text::raw).unwrap_or_default();
    let fields = correctable(&visit).map(|(name, label)| Correction {
        name,
        label,
        value: value(name).to_owned(),
    });
    let fields = fields.collect();
    let (_, data) = Data::of(&rejected);
    form(&visit, rejected, Draft { fields, data }, None)
}

fn form(
    visit: &Visit,
    rejected: Rejected,
    draft: Draft,
    failure: Option<Text>,
) -> Result<Response, PageError> {
    html(&RejectedPage {
        page: page(visit, "Rejected event"),
        action: visit.here("rejected").push(rejected.id.raw()),
        data: Data::of(&rejected).0,
        rejected,
        draft,
        failure,
    })
}

impl Draft {
    fn sent(posted: &Posted) -> Self {
        let fields = correctable(&posted.visit).map(|(name, label)| Correction {
            name,
            label,
            value: posted.text(name),
        });
        Self {
            fields: fields.collect(),
            data: unified(posted.field("data")),
        }
    }

    /// Returns what the form changes.
    fn corrections(
        &self,
        rejected: &Rejected,
        tenant: Option<&str>,
    ) -> Result<Corrections, PageError> {
        let mut fields = Map::new();
        for Correction { name, value, .. } in &self.fields {
            let before = rejected.field(name).map(Text::raw).unwrap_or_default();
            if before != value {
                fields.insert((*name).to_owned(), value.as_str().into());
            }
        }
        // The event may have been rejected because it named another one.
        if let Some(tenant) = tenant {
            fields.insert(TENANT.to_owned(), tenant.into());
        }
        let (_, before) = Data::of(rejected);
        let data = (unified(&before) != self.data).then(|| json(&self.data));
        Ok(Corrections {
            fields,
            data: data.transpose()?,
        })
    }
}

fn json(text: &str) -> Result<Box<RawValue>, PageError> {
    RawValue::from_string(text.to_owned()).map_err(|error| {
        let sentence = format!("The data is not JSON: {error}.");
        PageError::new(StatusCode::UNPROCESSABLE_ENTITY, sentence)
    })
}

/// Plans the event again, with the fields that the form changes.
pub async fn retry(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let rejected = find(visit).await?;
    let draft = Draft::sent(&posted);
    match plan_again(visit, &rejected, &draft).await {
        Ok(id) => {
            let pages = if visit.has_tenant() {
                visit.here("events")
            } else {
                Link::new("/ui/t").push(&posted.text(TENANT)).push("events")
            };
            let place = pages.push(&id).query("done", "retried");
            Ok(Redirect::to(place.as_str()).into_response())
        }
        // The event was found: it is the tenant that does not exist.
        Err(error) if error.is_correctable() || error.status == StatusCode::NOT_FOUND => {
            form(visit, rejected, draft, Some(error.sentence))
        }
        Err(error) => Err(error),
    }
}

/// Returns the id of the event.
async fn plan_again(
    visit: &Visit,
    rejected: &Rejected,
    draft: &Draft,
) -> Result<String, PageError> {
    let tenant = visit.has_tenant().then(|| visit.tenant());
    let corrections = draft.corrections(rejected, tenant)?;
    let body = serde_json::to_string(&corrections).map_err(PageError::unreadable)?;
    let route = Link::new("/v1/dead-letters")
        .push(rejected.id.raw())
        .push("retry");
    let reply: Value = visit.post_text(route, body).await?;
    Ok(reply["id"].as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(fields: serde_json::Value) -> Rejected {
        let rejected = serde_json::json!({
            "id": "one", "source": "api", "at": "2026-01-31T09:30:00Z", "code": "bad-data",
            "reason": "data is not JSON", "fields": fields,
        });
        serde_json::from_value(rejected).unwrap()
    }

    fn sent(data: &str) -> Draft {
        Draft {
            fields: Vec::new(),
            data: unified(data),
        }
    }

    #[test]
    fn data_is_corrected_only_if_the_form_changes_it() {
        let rejected = rejected(serde_json::json!([["data", "{\"total\": 1.0}"]]));
        let (data, shown) = Data::of(&rejected);
        assert!(data.is_shown());
        let body = |text: &str| {
            let corrections = sent(text).corrections(&rejected, Some("acme"));
            serde_json::to_string(&corrections.unwrap()).unwrap()
        };
        // A browser sends line breaks of two characters.
        assert_eq!(body(&shown.replace('\n', "\r\n")), r#"{"tenant":"acme"}"#);
        assert_eq!(
            body("{\"total\": 2.0}"),
            r#"{"tenant":"acme","data":{"total": 2.0}}"#
        );
        let refused = sent("{\"total\": }").corrections(&rejected, Some("acme"));
        assert!(refused.is_err_and(|error| error.is_correctable()));
    }

    #[test]
    fn data_that_the_form_cannot_hold_stays_as_it_is() {
        let large = "1".repeat(MAX_EDITED + 1);
        for fields in [
            serde_json::json!([["data", large]]),
            serde_json::json!([["data", { "base64": "/w==" }]]),
            serde_json::json!([]),
        ] {
            let rejected = rejected(fields);
            let (data, shown) = Data::of(&rejected);
            assert!(!data.is_shown() && shown.is_empty());
            let corrections = sent("").corrections(&rejected, Some("acme")).unwrap();
            assert!(corrections.data.is_none());
        }
    }
}
