//! Replaying every delivery that matches, with its count shown first.

use askama::Template;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value};

use super::deliveries::Filters;
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::text::Text;
use crate::pages::visit::{Posted, Visit};

#[derive(Template)]
#[template(path = "replay.html")]
struct Replay {
    page: Page,
    filters: Filters,
    /// The number of deliveries that match; none before there is a filter.
    count: Option<u64>,
    failure: Option<Text>,
    matching: Link,
    action: Link,
}

/// Returns the filters as the API takes them.
fn body(filters: &Filters, dry_run: bool) -> Map<String, Value> {
    let zoned = filters.zoned();
    let given = zoned.all().into_iter().filter(|(_, it)| !it.is_empty());
    let mut body: Map<_, _> = given
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    if dry_run {
        body.insert("dry_run".to_owned(), true.into());
    }
    body
}

async fn send(visit: &Visit, filters: &Filters, dry_run: bool) -> Result<u64, PageError> {
    let body = Value::Object(body(filters, dry_run));
    let reply: Value = visit
        .send(Method::POST, visit.route("replay"), body)
        .await?;
    Ok(reply["count"].as_u64().unwrap_or_default())
}

/// Shows the filters, and the number of deliveries that they match.
pub async fn show(visit: Visit) -> Result<Response, PageError> {
    let filters = Filters::of(&visit);
    let counted = match filters.is_empty() {
        true => Ok(None),
        false => send(&visit, &filters, true).await.map(Some),
    };
    let (count, failure) = match counted {
        Ok(count) => (count, None),
        Err(error) if error.is_correctable() => (None, Some(error.sentence)),
        Err(error) => return Err(error),
    };
    html(&Replay {
        page: visit.page("Replay", "dead-letters"),
        count,
        failure,
        matching: filters.on(visit.here("deliveries")),
        action: visit.here("replay"),
        filters,
    })
}

/// Replays what the form shows.
pub async fn replay(posted: Posted) -> Result<Response, PageError> {
    let filters = Filters::read(|name| posted.field(name));
    let visit = &posted.visit;
    let count = send(visit, &filters, false).await?.to_string();
    let after = Filters {
        state: Text::default(),
        status: Text::default(),
        ..filters
    };
    let place = after.on(visit.here("deliveries")).query("done", "replayed");
    Ok(Redirect::to(place.query("count", &count).as_str()).into_response())
}
