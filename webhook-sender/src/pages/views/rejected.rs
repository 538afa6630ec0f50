//! Rejected events: their reasons, and their correction.

use askama::Template;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value};

use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::text::Text;
use crate::pages::visit::{Posted, Visit};
use crate::pages::wire::{List, Rejected};

/// The fields of an event that can be corrected, with their labels.
const CORRECTABLE: [(&str, &str); 4] = [
    ("type", "Type"),
    ("id", "Event id"),
    ("timestamp", "Timestamp"),
    ("ordering_key", "Ordering key"),
];

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
    fields: Vec<Correction>,
    failure: Option<Text>,
    action: Link,
}

/// A field of the form. Its text must come back unchanged.
struct Correction {
    name: &'static str,
    label: &'static str,
    value: String,
}

pub async fn list(visit: Visit) -> Result<Response, PageError> {
    let cursor = visit.query("cursor");
    let route = visit.route("dead-letters").query("cursor", cursor);
    let list: List<Rejected> = visit.get(route).await?;
    let here = visit.here("rejected");
    let linked = |it: Rejected| {
        let link = here.clone().push(it.id.raw());
        (it, link)
    };
    html(&RejectedList {
        page: visit.page("Rejected events", "rejected"),
        rows: list.items.into_iter().map(linked).collect(),
        older: list.next_cursor.map(|it| here.clone().query("cursor", &it)),
        newest: (!cursor.is_empty()).then_some(here),
    })
}

/// Finds a rejected event of the tenant by its id.
async fn find(visit: &Visit) -> Result<Rejected, PageError> {
    let route = visit.route("events").push(visit.name("id"));
    let found: crate::pages::wire::RejectedDetails = visit.get(route).await?;
    found
        .rejected()
        .ok_or_else(|| PageError::not_found("rejected event"))
}

pub async fn show(visit: Visit) -> Result<Response, PageError> {
    let rejected = find(&visit).await?;
    let value = |name| rejected.field(name).map(Text::raw).unwrap_or_default();
    let fields = CORRECTABLE.map(|(name, label)| Correction {
        name,
        label,
        value: value(name).to_owned(),
    });
    form(&visit, rejected, fields.into(), None)
}

fn form(
    visit: &Visit,
    rejected: Rejected,
    fields: Vec<Correction>,
    failure: Option<Text>,
) -> Result<Response, PageError> {
    html(&RejectedPage {
        page: visit.page("Rejected event", "rejected"),
        action: visit.here("rejected").push(rejected.id.raw()),
        rejected,
        fields,
        failure,
    })
}

/// Plans the event again, with the fields that the form changes.
pub async fn retry(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let rejected = find(visit).await?;
    let mut corrections = Map::new();
    for (name, _) in CORRECTABLE {
        let (before, after) = (rejected.field(name).map(Text::raw), posted.text(name));
        if before.unwrap_or_default() != after {
            corrections.insert(name.to_owned(), after.into());
        }
    }
    // The event may have been rejected because it named no tenant, or another one.
    corrections.insert("tenant".to_owned(), visit.tenant().into());
    let route = Link::new("/v1/dead-letters")
        .push(rejected.id.raw())
        .push("retry");
    let sent = visit
        .send(Method::POST, route, Value::Object(corrections))
        .await;
    match sent {
        Ok(reply) => {
            let reply: Value = reply;
            let id = reply["id"].as_str().unwrap_or_default();
            let place = visit.here("events").push(id).query("done", "retried");
            Ok(Redirect::to(place.as_str()).into_response())
        }
        Err(error) if error.is_correctable() => {
            let fields = CORRECTABLE.map(|(name, label)| Correction {
                name,
                label,
                value: posted.text(name),
            });
            form(visit, rejected, fields.into(), Some(error.sentence))
        }
        Err(error) => Err(error),
    }
}
