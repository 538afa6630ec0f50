//! The live view: rows of what happens, as it happens.

use std::convert::Infallible;

use askama::Template;
use axum::body::Body;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use serde::Deserialize;
use webhook_model::DeliveryState;

use crate::pages::badge::{Badge, Tone};
use crate::pages::error::PageError;
use crate::pages::event_stream::{Decoder, ServerEvent};
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::moment::{Moment, TimeElement};
use crate::pages::text::Text;
use crate::pages::visit::Visit;
use crate::pages::wire::{Delivery, List};

#[derive(Template)]
#[template(path = "live.html")]
struct Live {
    page: Page,
    rows: Vec<Row>,
    stream: Link,
    deliveries: Link,
}

/// A row of the live view.
#[derive(Template)]
#[template(path = "live_row.html")]
struct Row {
    at: TimeElement,
    what: Badge,
    endpoint: Option<(Text, Link)>,
    result: Text,
    /// The page about it, and its text.
    subject: Option<(Text, Link)>,
}

/// The members of all happenings of the API's stream.
#[derive(Deserialize)]
struct Happening {
    at: Moment,
    #[serde(default)]
    event: Text,
    #[serde(default)]
    id: Text,
    #[serde(default)]
    code: Text,
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    delivery: Text,
    #[serde(default)]
    endpoint: Text,
    attempt: Option<u32>,
    status: Option<u16>,
    error: Option<Text>,
    state: Option<DeliveryState>,
    #[serde(default)]
    action: Text,
    #[serde(default)]
    target: Option<Text>,
}

pub async fn show(visit: Visit) -> Result<Response, PageError> {
    let newest = visit.route("deliveries").query("limit", "20");
    let newest: List<Delivery> = visit.get(newest).await?;
    let rows = newest.items.into_iter();
    html(&Live {
        page: visit.page("Live", "live"),
        rows: rows.map(|it| Row::of_delivery(&visit, it)).collect(),
        stream: visit.here("live").push("stream"),
        deliveries: visit.here("deliveries"),
    })
}

impl Row {
    fn of_delivery(visit: &Visit, delivery: Delivery) -> Self {
        let last = delivery.attempts.last();
        let at = last.map_or(delivery.created_at, |attempt| attempt.at);
        Self {
            at: at.relative_to(visit.now),
            what: Badge::of_delivery(delivery.state),
            result: delivery.last_result().into(),
            endpoint: endpoint(visit, delivery.endpoint),
            subject: subject(visit, "deliveries", delivery.id),
        }
    }

    /// Returns the row of an event of the stream; none for one that the view leaves out.
    fn of(visit: &Visit, event: &ServerEvent) -> Option<Self> {
        let mut it: Happening = serde_json::from_str(&event.data).ok()?;
        // It has just happened.
        let at = it.at.relative_to(it.at.0);
        let waiting = |word| Badge::new(Tone::Waiting, word);
        let (what, result, subject) = match event.name.as_str() {
            "attempt" => {
                let result = it.result();
                let what = it.state.map_or(waiting("attempted"), Badge::of_delivery);
                (what, result, subject(visit, "deliveries", it.delivery))
            }
            "event-accepted" => {
                let subject = subject(visit, "events", it.event);
                (waiting("event accepted"), it.kind, subject)
            }
            "event-rejected" => {
                let subject = subject(visit, "rejected", it.id);
                (Badge::new(Tone::Bad, "event rejected"), it.code, subject)
            }
            "change" => {
                if it.action.raw().starts_with("endpoint.") {
                    it.endpoint = it.target.take().unwrap_or_default();
                }
                (Badge::new(Tone::Neutral, "changed"), it.action, None)
            }
            _ => return None,
        };
        Some(Self {
            at,
            what,
            result,
            endpoint: endpoint(visit, it.endpoint),
            subject,
        })
    }
}

impl Happening {
    fn result(&self) -> Text {
        let number = self.attempt.unwrap_or(1);
        let result = match (self.status, &self.error) {
            (Some(status), _) => status.to_string(),
            (None, Some(error)) => error.raw().to_owned(),
            (None, None) => "succeeded".to_owned(),
        };
        format!("attempt {number}: {result}").into()
    }
}

fn endpoint(visit: &Visit, id: Text) -> Option<(Text, Link)> {
    subject(visit, "endpoints", id)
}

fn subject(visit: &Visit, page: &str, id: Text) -> Option<(Text, Link)> {
    let link = visit.here(page).push(id.raw());
    (!id.is_empty()).then_some((id, link))
}

/// Passes the API's stream on, with everything that happens as a row of the table.
pub async fn stream(visit: Visit) -> Result<Response, PageError> {
    let route = visit.route("deliveries").push("stream");
    let backend = visit.pages.backend.clone();
    let response = backend
        .call(&visit.visitor, Method::GET, route, None)
        .await?;
    let chunks = response.into_body().into_data_stream();
    let body = Body::from_stream(rendered(visit, chunks));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

/// Ends with the API's stream, which ends when the key does.
fn rendered<E: Send + 'static>(
    visit: Visit,
    chunks: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let mut decoder = Decoder::default();
    let chunks = chunks.take_while(|chunk| futures::future::ready(chunk.is_ok()));
    chunks.map(move |chunk| {
        let events = decoder.take(&chunk.unwrap_or_default());
        let rows = events.iter().filter_map(|event| Row::of(&visit, event));
        let mut out = String::new();
        rows.filter_map(|row| row.render().ok())
            .for_each(|row| push_event(&mut out, &row));
        // A comment keeps the connection alive while nothing happens.
        if out.is_empty() {
            out.push_str(":\n\n");
        }
        Ok(Bytes::from(out))
    })
}

fn push_event(out: &mut String, row: &str) {
    out.push_str("event: row\n");
    for line in row.lines() {
        out.push_str("data: ");
        out.push_str(line);
        out.push('\n');
    }
    out.push('\n');
}
