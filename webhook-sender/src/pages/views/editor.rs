//! The editor of an endpoint's selection of events, with a preview on a real past event.

use askama::Template;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::endpoint::patterns;
use super::events::details;
use crate::pages::error::PageError;
use crate::pages::json_text::readable;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::text::Text;
use crate::pages::visit::{Posted, Visit};
use crate::pages::wire::{Delivery, Endpoint, Event, List};

/// The number of past events that the preview offers.
const OFFERED: &str = "10";

/// The most characters of an event's data that the page shows.
const SHOWN: usize = 16 * 1024;

#[derive(Template)]
#[template(path = "endpoint_edit.html")]
struct Editor {
    page: Page,
    endpoint: Endpoint,
    draft: Draft,
    /// Past events to try the draft on.
    events: Vec<Event>,
    /// The chosen event.
    event_id: Text,
    /// Its data, indented; none if it is not kept.
    data: Option<Text>,
    preview: Option<Preview>,
    failure: Option<Text>,
    action: Link,
    back: Link,
}

/// The fields of the form. Their text must come back unchanged.
struct Draft {
    url: String,
    events: String,
    filter: String,
    transform: String,
}

/// The request that an endpoint would receive, or the reason why it would receive none.
struct Preview {
    outcome: &'static str,
    body: Option<Text>,
    error: Option<Text>,
}

/// An endpoint's part of the API's response.
#[derive(Deserialize)]
struct Previewed {
    matched: bool,
    #[serde(default)]
    filtered: bool,
    body: Option<Value>,
    error: Option<Text>,
}

impl Draft {
    fn of(endpoint: &Endpoint) -> Self {
        let text = |given: &Option<Text>| given.as_ref().map(Text::raw).unwrap_or_default().into();
        let patterns: Vec<_> = endpoint.events.iter().map(Text::raw).collect();
        Self {
            url: endpoint.url.raw().into(),
            events: patterns.join(", "),
            filter: text(&endpoint.filter),
            transform: text(&endpoint.transform),
        }
    }

    fn sent(posted: &Posted) -> Self {
        Self {
            url: posted.text("url"),
            events: posted.text("events"),
            filter: posted.text("filter"),
            transform: posted.text("transform"),
        }
    }

    /// Returns the fields of the endpoint that the form can change. An empty expression removes it.
    fn to_json(&self, before: &Endpoint) -> Map<String, Value> {
        let expression = |text: &str| match text {
            "" => Value::Null,
            text => text.into(),
        };
        let mut fields = Map::from_iter([
            ("events".to_owned(), json!(patterns(&self.events))),
            ("filter".to_owned(), expression(&self.filter)),
        ]);
        if before.transform_component.is_none() {
            fields.insert("transform".to_owned(), expression(&self.transform));
        }
        if self.url != before.url.raw() {
            fields.insert("url".to_owned(), self.url.as_str().into());
        }
        fields
    }
}

pub async fn show(visit: Visit) -> Result<Response, PageError> {
    let endpoint = endpoint(&visit).await?;
    let draft = Draft::of(&endpoint);
    let event_id = match visit.query("event") {
        "" => example(&visit).await?.unwrap_or_default(),
        chosen => chosen.to_owned(),
    };
    render(&visit, endpoint, draft, event_id, None, None).await
}

async fn endpoint(visit: &Visit) -> Result<Endpoint, PageError> {
    let route = visit.route("endpoints").push(visit.name("id"));
    visit.get(route).await
}

/// Returns the event to begin with: one whose delivery to the endpoint is dead, or else one that was planned
/// for it, or any; the newest.
async fn example(visit: &Visit) -> Result<Option<String>, PageError> {
    let of_endpoint = visit
        .route("deliveries")
        .query("endpoint", visit.name("id"));
    let of_endpoint = of_endpoint.query("limit", "1");
    for route in [of_endpoint.clone().query("state", "dead"), of_endpoint] {
        let newest: List<Delivery> = visit.get(route).await?;
        if let Some(delivery) = newest.items.first() {
            return Ok(Some(delivery.event.raw().to_owned()));
        }
    }
    let any = visit.route("events").query("state", "planned");
    let any: List<Event> = visit.get(any.query("limit", "1")).await?;
    Ok(any.items.first().map(|event| event.id.raw().to_owned()))
}

/// Returns the data of an event as far as the page shows it.
async fn data_of(visit: &Visit, event: &str) -> Result<Option<Text>, PageError> {
    if event.is_empty() {
        return Ok(None);
    }
    match details(visit, event).await {
        Ok((_, data)) => Ok(data.map(|data| beginning(data.raw()).into())),
        // The text of the field names no event, which the preview says.
        Err(error) if error.status.is_client_error() => Ok(None),
        Err(error) => Err(error),
    }
}

fn beginning(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

async fn render(
    visit: &Visit,
    endpoint: Endpoint,
    draft: Draft,
    event_id: String,
    preview: Option<Preview>,
    failure: Option<Text>,
) -> Result<Response, PageError> {
    let route = visit.route("events").query("state", "planned");
    let events: List<Event> = visit.get(route.query("limit", OFFERED)).await?;
    let data = data_of(visit, &event_id).await?;
    let back = visit.here("endpoints").push(visit.name("id"));
    html(&Editor {
        page: visit.page(format!("Edit {}", endpoint.id.raw()), "endpoints"),
        endpoint,
        draft,
        events: events.items,
        event_id: event_id.into(),
        data,
        preview,
        failure,
        action: back.clone().push("edit"),
        back,
    })
}

/// Saves the draft, or shows what it would do to the chosen event.
pub async fn change(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let before = endpoint(visit).await?;
    let draft = Draft::sent(&posted);
    let done = match posted.field("action") {
        "save" => save(visit, &before, &draft).await.map(|()| None),
        _ => {
            let previewed = preview(&posted, &before, &draft).await;
            previewed.map(Some)
        }
    };
    let event = posted.text("event_id");
    match done {
        Ok(None) => {
            let place = visit.here("endpoints").push(visit.name("id"));
            Ok(Redirect::to(place.query("done", "saved").as_str()).into_response())
        }
        Ok(shown) => render(visit, before, draft, event, shown, None).await,
        Err(error) if error.is_correctable() => {
            let failure = Some(error.sentence);
            render(visit, before, draft, event, None, failure).await
        }
        Err(error) => Err(error),
    }
}

async fn save(visit: &Visit, before: &Endpoint, draft: &Draft) -> Result<(), PageError> {
    let route = visit.route("endpoints").push(visit.name("id"));
    let body = Value::Object(draft.to_json(before));
    visit
        .send(Method::PATCH, route, body)
        .await
        .map(|_: Value| ())
}

async fn preview(posted: &Posted, before: &Endpoint, draft: &Draft) -> Result<Preview, PageError> {
    let visit = &posted.visit;
    let mut endpoint = draft.to_json(before);
    endpoint.insert("url".to_owned(), draft.url.as_str().into());
    if let Some(component) = &before.transform_component {
        endpoint.insert("transform_component".to_owned(), component.raw().into());
    }
    let body = json!({ "event_id": posted.text("event_id"), "endpoint": endpoint });
    let reply: List<Previewed> = visit
        .send(Method::POST, visit.route("preview"), body)
        .await?;
    let first = reply.items.into_iter().next();
    first
        .map(Preview::of)
        .ok_or_else(|| PageError::unreadable("a preview without a result"))
}

impl Preview {
    fn of(previewed: Previewed) -> Self {
        let Previewed {
            matched,
            filtered,
            body,
            error,
        } = previewed;
        let outcome = match (matched, filtered, &error) {
            (false, _, _) => "Not sent: the event's type matches none of the patterns.",
            (_, _, Some(_)) => "Not sent: the expression failed.",
            (_, true, _) => "Not sent: the filter is false.",
            (true, false, None) => "Sent, with this body:",
        };
        let body = body.map(|body| match body {
            Value::String(text) => readable(&text),
            other => readable(&other.to_string()),
        });
        Self {
            outcome,
            body: body.map(Text::from),
            error,
        }
    }
}
