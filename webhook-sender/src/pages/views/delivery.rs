//! One delivery, step by step: its event, filter and transform, attempts, and what comes next.

use askama::Template;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;
use webhook_model::DeliveryState;

use super::events;
use crate::pages::badge::Badge;
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::text::Text;
use crate::pages::visit::{Posted, Visit};
use crate::pages::wire::{Attempt, Delivery, Endpoint, EventDetails, SentRequest};

/// The most bytes of a body that a page shows; the rest can be downloaded.
const SHOWN: usize = 64 * 1024;

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryPage {
    page: Page,
    delivery: Delivery,
    state: Badge,
    event: Option<EventDetails>,
    /// The event's data, indented.
    data: Option<Text>,
    endpoint: Option<Endpoint>,
    /// The body as it is sent.
    body: Body,
    attempts: Vec<Step>,
    /// It waits for another attempt, which can be made now.
    can_be_tried_now: bool,
    check: Option<Check>,
    links: Links,
}

/// An attempt, with the addresses and words of its step.
struct Step {
    number: usize,
    attempt: Attempt,
    result: Badge,
}

struct Links {
    event: Link,
    endpoint: Link,
    /// The editor of the endpoint, with the event.
    edit: Link,
    body: Link,
    replay: Link,
}

/// The bytes of a request's body.
enum Body {
    Shown {
        text: Text,
        bytes: usize,
        is_cut: bool,
    },
    /// Not rendered, or erased.
    Missing { reason: Text },
}

/// The command that checks the signature of the last request.
struct Check {
    command: Text,
}

pub async fn show(visit: Visit) -> Result<Response, PageError> {
    let id = visit.name("id");
    let mut delivery: Delivery = visit.get(visit.route("deliveries").push(id)).await?;
    let endpoint_route = visit.route("endpoints").push(delivery.endpoint.raw());
    // Each may have been deleted before the delivery.
    let event = optional(events::details(&visit, delivery.event.raw()).await)?;
    let (event, data) = event.map_or((None, None), |(event, data)| (Some(event), data));
    let endpoint: Option<Endpoint> = optional(visit.get(endpoint_route).await)?;
    let body = Body::of(bytes(&visit, id).await)?;
    let can_be_tried_now = delivery.can_be_tried_now();
    let attempts = std::mem::take(&mut delivery.attempts);
    let last_request = attempts.iter().rev().find_map(|it| it.request.as_ref());
    let here = visit.here("deliveries").push(id);
    let of_endpoint = visit.here("endpoints").push(delivery.endpoint.raw());
    html(&DeliveryPage {
        page: visit.page(format!("Delivery {}", delivery.id.raw()), "deliveries"),
        state: Badge::of_delivery(delivery.state),
        check: last_request.map(Check::of),
        attempts: attempts.into_iter().enumerate().map(Step::of).collect(),
        can_be_tried_now,
        data,
        links: Links {
            event: visit.here("events").push(delivery.event.raw()),
            edit: of_endpoint
                .clone()
                .push("edit")
                .query("event", delivery.event.raw()),
            endpoint: of_endpoint,
            body: here.clone().push("body"),
            replay: here.push("replay"),
        },
        delivery,
        event,
        endpoint,
        body,
    })
}

fn optional<T>(found: Result<T, PageError>) -> Result<Option<T>, PageError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.status == StatusCode::NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the exact bytes of a body.
async fn bytes(visit: &Visit, id: &str) -> Result<bytes::Bytes, PageError> {
    let route = visit.route("deliveries").push(id).push("body");
    let backend = &visit.pages.backend;
    backend
        .bytes(&visit.visitor, Method::GET, route, None)
        .await
}

/// Returns true if an error says that a delivery has no body to show, for which its page has room.
fn is_about_body(error: &PageError) -> bool {
    let about = ["not-found", "erased", "not-rendered", "busy"];
    about.contains(&error.code.raw())
}

impl Body {
    fn of(bytes: Result<bytes::Bytes, PageError>) -> Result<Self, PageError> {
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) if is_about_body(&error) => {
                let reason = error.sentence;
                return Ok(Self::Missing { reason });
            }
            Err(error) => return Err(error),
        };
        let shown = bytes.get(..SHOWN).unwrap_or(&bytes);
        Ok(Self::Shown {
            text: String::from_utf8_lossy(shown).into(),
            bytes: bytes.len(),
            is_cut: shown.len() < bytes.len(),
        })
    }
}

impl Step {
    fn of((index, attempt): (usize, Attempt)) -> Self {
        Self {
            number: index + 1,
            result: Badge::of_attempt(attempt.succeeded()),
            attempt,
        }
    }
}

impl Check {
    /// Returns the command that verifies a request: its headers that are signed, and the body's file.
    fn of(request: &SentRequest) -> Self {
        let is_signed = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.starts_with("webhook-") || name == "x-signature"
        };
        let signed = request.headers.iter().filter(|it| is_signed(it.name.raw()));
        let mut time = None;
        let mut command = "webhook-sender verify".to_owned();
        for header in signed {
            if header.name.raw().eq_ignore_ascii_case("webhook-timestamp") {
                time = Some(header.value.raw());
            }
            let pair = format!("{}: {}", header.name.raw(), header.value.raw());
            command += &format!(" \\\n    -H {}", quoted(&pair));
        }
        if let Some(time) = time {
            command += &format!(" \\\n    --now {}", quoted(time));
        }
        command += " \\\n    body";
        Self {
            command: command.into(),
        }
    }
}

/// Returns a word for a shell, which takes nothing in it for anything else.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Serves the exact bytes of a body as a file. It may be anything, so it is never shown as a page.
pub async fn body(visit: Visit) -> Result<Response, PageError> {
    let body = bytes(&visit, visit.name("id")).await?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (CONTENT_DISPOSITION, "attachment; filename=\"body\""),
    ];
    Ok((headers, body).into_response())
}

/// Makes one delivery due again.
pub async fn replay(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let id = visit.name("id");
    let render = posted.field("render") == "true";
    let mut body = json!({ "delivery": id, "render": render });
    if posted.field("state") == "pending" {
        body["state"] = "pending".into();
    }
    let reply: serde_json::Value = visit
        .send(Method::POST, visit.route("replay"), body)
        .await?;
    let count = reply["count"].to_string();
    let place = visit.here("deliveries").push(id).query("done", "replayed");
    Ok(Redirect::to(place.query("count", &count).as_str()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::wire::Header;

    #[test]
    fn a_header_cannot_leave_its_word_in_the_command() {
        let header = |name: &str, value: &str| Header {
            name: name.into(),
            value: value.into(),
        };
        let request = SentRequest {
            url: "https://a.example".into(),
            protocol: None,
            headers: vec![
                header("webhook-id", "x'; rm -rf ~ #"),
                header("webhook-timestamp", "17"),
                header("authorization", "***"),
            ],
        };
        let command = Check::of(&request).command;
        assert_eq!(
            command.raw(),
            "webhook-sender verify \\\n    -H 'webhook-id: x'\\''; rm -rf ~ #' \\\n    \
             -H 'webhook-timestamp: 17' \\\n    --now '17' \\\n    body"
        );
    }
}
