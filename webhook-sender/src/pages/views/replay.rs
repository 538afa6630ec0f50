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
    /// Bodies are rendered anew.
    render: bool,
    failure: Option<Text>,
    matching: Link,
    action: Link,
}

/// Returns the filters as the API takes them, with a flag if there is one.
fn body(filters: &Filters, flag: Option<&str>) -> Map<String, Value> {
    let zoned = filters.zoned();
    let given = zoned.all().into_iter().filter(|(_, it)| !it.is_empty());
    let mut body: Map<_, _> = given
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    if let Some(flag) = flag {
        body.insert(flag.to_owned(), true.into());
    }
    body
}

async fn send(visit: &Visit, filters: &Filters, flag: Option<&str>) -> Result<u64, PageError> {
    let body = Value::Object(body(filters, flag));
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
        false => send(&visit, &filters, Some("dry_run")).await.map(Some),
    };
    let (count, failure) = match counted {
        Ok(count) => (count, None),
        Err(error) if error.is_correctable() => (None, Some(error.sentence)),
        Err(error) => return Err(error),
    };
    html(&Replay {
        page: visit.page("Replay", "dead-letters"),
        count,
        render: visit.query("render") == "true",
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
    let render = (posted.field("render") == "true").then_some("render");
    let count = send(visit, &filters, render).await?.to_string();
    let after = Filters {
        state: Text::default(),
        status: Text::default(),
        ..filters
    };
    let place = after.on(visit.here("deliveries")).query("done", "replayed");
    Ok(Redirect::to(place.query("count", &count).as_str()).into_response())
}
