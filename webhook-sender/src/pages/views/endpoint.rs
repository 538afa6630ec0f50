//! One endpoint: its health, its statistics, and what can be done with it.

use askama::Template;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::deliveries::{Row, rows};
use crate::pages::badge::Badge;
use crate::pages::chart::{Bars, Interval, Lines, Mark, Strip};
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::moment::Moment;
use crate::pages::stats::{self, Stats};
use crate::pages::text::Text;
use crate::pages::visit::{Posted, Visit};
use crate::pages::wire::{Attempt, Endpoint};

/// The most dead letters that the page shows.
const SHOWN: &str = "5";

#[derive(Template)]
#[template(path = "endpoint.html")]
struct EndpointPage {
    page: Page,
    endpoint: Endpoint,
    state: Badge,
    breaker: Badge,
    stats: Stats,
    /// The time until which two secrets sign.
    overlap: Option<Moment>,
    hours: Vec<Interval>,
    /// The last attempts, the oldest first.
    marks: Vec<Mark>,
    dead: Vec<Row>,
    /// The editor was left a moment ago.
    is_saved: bool,
    links: Links,
    test: Option<TestResult>,
}

struct Links {
    here: Link,
    edit: Link,
    deliveries: Link,
    dead: Link,
    replay: Link,
    /// The replay of its dead letters with new bodies.
    render: Link,
    /// The replay of what waits for another attempt, with new bodies.
    pending: Link,
}

/// The result of a test delivery.
struct TestResult {
    result: Badge,
    attempt: Option<Attempt>,
    failure: Option<Text>,
}

/// A page with a secret, which is shown once.
#[derive(Template)]
#[template(path = "secret.html")]
pub struct NewSecret {
    page: Page,
    endpoint: Text,
    secret: Text,
    /// The time for which the previous secret still signs.
    overlap: Option<Text>,
    back: Link,
}

pub async fn show(visit: Visit) -> Result<Response, PageError> {
    render(&visit, None).await
}

async fn render(visit: &Visit, test: Option<TestResult>) -> Result<Response, PageError> {
    let id = visit.name("id");
    let endpoint: Endpoint = visit.get(visit.route("endpoints").push(id)).await?;
    let stats = stats::of(visit, id, "24h").await?;
    let only_dead = |link: Link| link.query("state", "dead").query("endpoint", id);
    let route = only_dead(visit.route("deliveries")).query("limit", SHOWN);
    let (dead, _) = rows(visit, route).await?;
    let here = visit.here("endpoints").push(id);
    let overlap = endpoint.previous_secret_expires_at;
    html(&EndpointPage {
        overlap: overlap.filter(|until| until.0 > visit.now),
        page: visit.page(format!("Endpoint {}", endpoint.id.raw()), "endpoints"),
        state: Badge::of_endpoint(endpoint.enabled, endpoint.failing_since.is_some()),
        breaker: Badge::of_breaker(stats.breaker.raw()),
        hours: stats::day_of(&stats.series, visit.now),
        marks: stats
            .last_attempts
            .iter()
            .rev()
            .map(|it| (*it).into())
            .collect(),
        dead,
        is_saved: visit.query("done") == "saved",
        links: Links {
            edit: here.clone().push("edit"),
            here,
            deliveries: visit.here("deliveries").query("endpoint", id),
            dead: visit.here("dead-letters").query("endpoint", id),
            replay: only_dead(visit.here("replay")),
            pending: visit
                .here("replay")
                .query("state", "pending")
                .query("endpoint", id)
                .query("render", "true"),
            render: only_dead(visit.here("replay")).query("render", "true"),
        },
        stats,
        endpoint,
        test,
    })
}

/// Sends a test delivery, and shows its attempt.
pub async fn test(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let route = visit.route("endpoints").push(visit.name("id")).push("test");
    let sent: Result<Value, _> = visit.send(Method::POST, route, json!({})).await;
    let result = match sent {
        Ok(reply) => TestResult::of(&reply),
        Err(error) if error.is_correctable() => TestResult {
            result: Badge::of_attempt(false),
            attempt: None,
            failure: Some(error.sentence),
        },
        Err(error) => return Err(error),
    };
    render(visit, Some(result)).await
}

impl TestResult {
    fn of(reply: &Value) -> Self {
        let attempt = reply.get("attempt").unwrap_or(reply);
        let attempt: Option<Attempt> = serde_json::from_value(attempt.clone()).ok();
        let succeeded = attempt.as_ref().is_some_and(Attempt::succeeded);
        Self {
            result: Badge::of_attempt(succeeded),
            attempt,
            failure: None,
        }
    }
}

/// Enables or disables the endpoint.
pub async fn enable(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let enabled = posted.field("enabled") == "true";
    let route = visit.route("endpoints").push(visit.name("id"));
    let _: Value = visit
        .send(Method::PATCH, route, json!({ "enabled": enabled }))
        .await?;
    let done = if enabled { "enabled" } else { "disabled" };
    let place = visit.here("endpoints").push(visit.name("id"));
    Ok(Redirect::to(place.query("done", done).as_str()).into_response())
}

/// Deletes the endpoint, if its id was typed to confirm it.
pub async fn delete(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let id = visit.name("id");
    if posted.text("confirm") != id {
        return Err(PageError::new(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            "The endpoint was not deleted, because its id was not typed to confirm it.",
        ));
    }
    let route = visit.route("endpoints").push(id);
    let _: Value = visit.send(Method::DELETE, route, Value::Null).await?;
    let place = visit.here("endpoints").query("done", "deleted");
    Ok(Redirect::to(place.as_str()).into_response())
}

/// Gives the endpoint a new secret, and shows it, which no other page does.
pub async fn rotate(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let id = visit.name("id");
    let overlap = match posted.text("overlap") {
        given if given.is_empty() => "24h".to_owned(),
        given => given,
    };
    let route = visit.route("endpoints").push(id).push("rotate-secret");
    let reply: Value = visit
        .send(Method::POST, route, json!({ "overlap": overlap }))
        .await?;
    html(&NewSecret {
        page: visit.page("New secret", "endpoints"),
        endpoint: id.into(),
        secret: reply["secret"].as_str().unwrap_or_default().into(),
        overlap: Some(overlap.into()),
        back: visit.here("endpoints").push(id),
    })
}

impl NewSecret {
    /// Shows the secret of an endpoint that was just added.
    pub fn of_new_endpoint(visit: &Visit, added: &Value) -> Result<Response, PageError> {
        let text = |name: &str| added[name].as_str().unwrap_or_default();
        html(&Self {
            page: visit.page("New endpoint", "endpoints"),
            endpoint: text("id").into(),
            secret: text("secret").into(),
            overlap: None,
            back: visit.here("endpoints").push(text("id")),
        })
    }
}

/// Returns the patterns that a field lists, separated by commas or white space.
pub fn patterns(field: &str) -> Vec<String> {
    let separators = |char: char| char == ',' || char.is_whitespace();
    let parts = field.split(separators).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
