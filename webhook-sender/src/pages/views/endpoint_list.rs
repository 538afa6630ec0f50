//! The endpoints of a tenant, and adding one.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use super::endpoint::{NewSecret, patterns};
use crate::pages::badge::Badge;
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::text::Text;
use crate::pages::visit::{Posted, Visit};
use crate::pages::wire::{Endpoint, List};

/// The most endpoints of a page.
const SHOWN: usize = 200;

pub struct EndpointRow {
    pub endpoint: Endpoint,
    pub state: Badge,
    pub link: Link,
}

#[derive(Template)]
#[template(path = "endpoints.html")]
struct Endpoints {
    page: Page,
    wanted: Text,
    rows: Vec<EndpointRow>,
    all: usize,
    has_more: bool,
    add: Link,
}

#[derive(Template)]
#[template(path = "endpoint_new.html")]
struct NewEndpoint {
    page: Page,
    /// The fields as they were sent.
    fields: BTreeMap<&'static str, String>,
    failure: Option<Text>,
    action: Link,
}

impl NewEndpoint {
    fn field(&self, name: &str) -> &str {
        self.fields
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }
}

impl EndpointRow {
    fn of(visit: &Visit, endpoint: Endpoint) -> Self {
        Self {
            state: Badge::of_endpoint(endpoint.enabled, endpoint.failing_since.is_some()),
            link: visit.here("endpoints").push(endpoint.id.raw()),
            endpoint,
        }
    }

    /// Returns `true` for an endpoint that needs attention.
    pub fn is_troubled(&self) -> bool {
        !self.endpoint.enabled || self.endpoint.failing_since.is_some()
    }
}

/// Returns the endpoints of the tenant.
pub async fn endpoint_rows(visit: &Visit) -> Result<Vec<EndpointRow>, PageError> {
    let list: List<Endpoint> = visit.get(visit.route("endpoints")).await?;
    let rows = list.items.into_iter();
    Ok(rows.map(|it| EndpointRow::of(visit, it)).collect())
}

pub async fn list(visit: Visit) -> Result<Response, PageError> {
    let all = endpoint_rows(&visit).await?;
    let count = all.len();
    let wanted = visit.query("find").trim().to_owned();
    let contains = |row: &EndpointRow| {
        row.endpoint.id.raw().contains(&wanted) || row.endpoint.url.raw().contains(&wanted)
    };
    let mut matching = all.into_iter().filter(contains);
    let rows: Vec<_> = matching.by_ref().take(SHOWN).collect();
    let has_more = matching.next().is_some();
    html(&Endpoints {
        page: visit.page("Endpoints", "endpoints"),
        wanted: wanted.into(),
        rows,
        all: count,
        has_more,
        add: visit.here("new-endpoint"),
    })
}

const FIELDS: [&str; 5] = ["id", "url", "events", "filter", "transform"];

/// Shows the form that adds an endpoint.
pub async fn new(visit: Visit) -> Result<Response, PageError> {
    let fields = BTreeMap::from([("events", "*".to_owned())]);
    form(&visit, fields, None)
}

fn form(
    visit: &Visit,
    fields: BTreeMap<&'static str, String>,
    failure: Option<Text>,
) -> Result<Response, PageError> {
    html(&NewEndpoint {
        page: visit.page("New endpoint", "endpoints"),
        fields,
        failure,
        action: visit.here("new-endpoint"),
    })
}

/// Adds an endpoint, and shows its secret, which no other page does.
pub async fn add(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let given = |name| match posted.text(name).as_str() {
        "" => Value::Null,
        text => text.into(),
    };
    let mut body = json!({
        "url": posted.text("url"),
        "events": patterns(posted.field("events")),
    });
    for name in ["id", "filter", "transform"] {
        if let value @ Value::String(_) = given(name) {
            body[name] = value;
        }
    }
    let added = visit
        .send(Method::POST, visit.route("endpoints"), body)
        .await;
    match added {
        Ok(added) => NewSecret::of_new_endpoint(visit, &added),
        Err(error) if error.is_correctable() => {
            let fields = FIELDS.map(|name| (name, posted.text(name)));
            form(visit, fields.into(), Some(error.sentence))
        }
        Err(error) => Err(error),
    }
}
