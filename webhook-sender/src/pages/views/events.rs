//! Events, and one event with its data and its deliveries.

use askama::Template;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use super::deliveries::{FULL, Row};
use super::window;
use crate::pages::badge::Badge;
use crate::pages::error::PageError;
use crate::pages::json_text::indented;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::text::Text;
use crate::pages::visit::{Posted, Visit};
use crate::pages::wire::{Event, EventData, EventDetails, List};

struct EventRow {
    event: Event,
    state: Badge,
    link: Link,
}

/// The filters of the list, as the address has them.
struct Filters {
    kind: Text,
    state: Text,
    source: Text,
    from: Text,
    to: Text,
}

#[derive(Template)]
#[template(path = "events.html")]
struct Events {
    page: Page,
    filters: Filters,
    is_filtered: bool,
    /// True if the page has fewer rows than it could, because the search was stopped.
    is_partial: bool,
    ranges: Vec<(&'static str, Link)>,
    rows: Vec<EventRow>,
    older: Option<Link>,
    newest: Option<Link>,
    publish: Text,
}

#[derive(Template)]
#[template(path = "event.html")]
struct EventPage {
    page: Page,
    event: Event,
    state: Badge,
    data: Option<Text>,
    rows: Vec<Row>,
    /// The list with all of the event's deliveries, if they are more than the page shows.
    all: Option<Link>,
    erase: Link,
    correct: Link,
}

impl Filters {
    fn of(visit: &Visit) -> Self {
        let text = |name: &str| Text::from(visit.query(name).trim());
        Self {
            kind: text("type"),
            state: text("state"),
            source: text("source"),
            from: text("from"),
            to: text("to"),
        }
    }

    /// Adds the filters to an address, with these times.
    fn on(&self, link: Link, from: &str, to: &str) -> Link {
        link.query("type", self.kind.raw())
            .query("state", self.state.raw())
            .query("source", self.source.raw())
            .query("from", from)
            .query("to", to)
    }

    fn here(&self, link: Link) -> Link {
        self.on(link, self.from.raw(), self.to.raw())
    }

    fn on_route(&self, link: Link) -> Link {
        let zoned = |time: &Text| window::moment(time.raw());
        self.on(link, &zoned(&self.from), &zoned(&self.to))
    }
}

pub async fn list(visit: Visit) -> Result<Response, PageError> {
    let filters = Filters::of(&visit);
    let cursor = visit.query("cursor");
    let route = filters.on_route(visit.route("events"));
    let list: List<Event> = visit.get(route.query("cursor", cursor)).await?;
    let here = visit.here("events");
    let ranges = window::RANGES.map(|(name, hours)| {
        let from = window::start_of_range(hours, visit.now);
        (name, filters.on(here.clone(), &from, ""))
    });
    let older = list.next_cursor;
    let is_partial = older.is_some() && list.items.len() < FULL;
    html(&Events {
        page: visit.page("Events", "events"),
        is_partial,
        is_filtered: !filters.here(Link::new("")).as_str().is_empty(),
        ranges: ranges.into(),
        rows: list.items.into_iter().map(|it| row(&visit, it)).collect(),
        older: older.map(|next| filters.here(here.clone()).query("cursor", &next)),
        newest: (!cursor.is_empty()).then(|| filters.here(here)),
        filters,
        publish: publish_command(visit.tenant()).into(),
    })
}

/// Returns the command that publishes a first event.
pub fn publish_command(tenant: &str) -> String {
    format!("webhook-sender publish --tenant {tenant} --type order.shipped --data '{{\"id\": 1}}'")
}

fn row(visit: &Visit, event: Event) -> EventRow {
    EventRow {
        state: Badge::of_event(event.state.raw()),
        link: visit.here("events").push(event.id.raw()),
        event,
    }
}

/// Returns one event, and its data with line breaks.
pub async fn details(visit: &Visit, id: &str) -> Result<(EventDetails, Option<Text>), PageError> {
    let route = visit.route("events").push(id);
    let backend = &visit.pages.backend;
    let body = backend.bytes(&visit.visitor, Method::GET, route, None);
    let body = body.await?;
    let details = serde_json::from_slice(&body).map_err(PageError::unreadable)?;
    // Apart from the rest, because raw values cannot be members of flattened ones.
    let data: EventData = serde_json::from_slice(&body).map_err(PageError::unreadable)?;
    let data = data.data.map(|data| indented(data.get()).into());
    Ok((details, data))
}

pub async fn show(visit: Visit) -> Result<Response, PageError> {
    let id = visit.name("id");
    let (details, data) = details(&visit, id).await?;
    let EventDetails { event, deliveries } = details;
    let here = visit.here("events").push(id);
    let all = visit.here("deliveries").query("event", id);
    html(&EventPage {
        page: visit.page(format!("Event {}", event.id.raw()), "events"),
        state: Badge::of_event(event.state.raw()),
        data,
        rows: deliveries
            .items
            .into_iter()
            .map(|it| Row::of(&visit, it))
            .collect(),
        all: deliveries.next_cursor.map(|_| all),
        erase: here.push("erase"),
        correct: visit.here("rejected").push(id),
        event,
    })
}

/// Erases the payload of an event.
pub async fn erase(posted: Posted) -> Result<Response, PageError> {
    let visit = &posted.visit;
    let id = visit.name("id");
    let route = visit.route("events").push(id).push("data");
    let _: Value = visit.send(Method::DELETE, route, Value::Null).await?;
    let place = visit.here("events").push(id).query("done", "erased");
    Ok(Redirect::to(place.as_str()).into_response())
}
