//! The live view: rows of deliveries as they happen.

use std::convert::Infallible;

use askama::Template;
use axum::body::Body;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt};

use super::deliveries::Row;
use crate::pages::error::PageError;
use crate::pages::event_stream::Decoder;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::moment::Moment;
use crate::pages::visit::Visit;
use crate::pages::wire::Delivery;

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
struct LiveRow<'a> {
    row: &'a Row,
    at: String,
    exact: String,
}

pub async fn show(visit: Visit) -> Result<Response, PageError> {
    let newest = visit.route("deliveries").query("limit", "20");
    let (rows, _) = super::deliveries::rows(&visit, newest).await?;
    html(&Live {
        page: visit.page("Live", "live"),
        rows,
        stream: visit.here("live").push("stream"),
        deliveries: visit.here("deliveries"),
    })
}

/// Passes the API's stream on, with each delivery as a row of the table.
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

/// Ends with the API's stream, which ends when the session does.
fn rendered<E>(
    visit: Visit,
    chunks: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send
where
    E: Send + 'static,
{
    let mut decoder = Decoder::default();
    let chunks = chunks.take_while(|chunk| futures::future::ready(chunk.is_ok()));
    chunks.map(move |chunk| {
        let chunk = chunk.unwrap_or_default();
        let mut out = String::new();
        for data in decoder.take(&chunk) {
            if let Some(row) = row(&visit, &data) {
                push_event(&mut out, &row);
            }
        }
        // A comment keeps the connection alive where there is no delivery.
        if out.is_empty() {
            out.push_str(":\n\n");
        }
        Ok(Bytes::from(out))
    })
}

fn row(visit: &Visit, data: &str) -> Option<String> {
    let delivery: Delivery = serde_json::from_str(data).ok()?;
    let at = delivery
        .attempts
        .last()
        .map_or(delivery.created_at, |it| it.at);
    let row = Row::of(visit, delivery);
    let Moment(millis) = at;
    let row = LiveRow {
        row: &row,
        at: millis.to_string(),
        exact: at.exact(),
    };
    row.render().ok()
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
