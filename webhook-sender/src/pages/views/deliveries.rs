//! Deliveries, filtered by the address.

use askama::Template;
use axum::response::Response;

use super::window;
use crate::pages::badge::Badge;
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::text::Text;
use crate::pages::visit::Visit;
use crate::pages::wire::{Delivery, List};

/// A row of a table of deliveries.
pub struct Row {
    pub delivery: Delivery,
    pub state: Badge,
    pub link: Link,
    pub endpoint: Link,
}

/// The filters of a list, as the address has them.
#[derive(Clone, Default)]
pub struct Filters {
    pub state: Text,
    pub endpoint: Text,
    pub event: Text,
    pub kind: Text,
    pub status: Text,
    pub from: Text,
    pub to: Text,
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct Deliveries {
    page: Page,
    filters: Filters,
    ranges: Vec<(&'static str, Link)>,
    rows: Vec<Row>,
    older: Option<Link>,
    newest: Option<Link>,
    /// The page that replays everything that matches.
    replay: Link,
    is_filtered: bool,
    /// True if the page has fewer rows than it could, because the search was stopped.
    is_partial: bool,
    only_dead: bool,
}

/// The rows of a full page.
pub const FULL: usize = 50;

impl Filters {
    pub fn of(visit: &Visit) -> Self {
        Self::read(|name| visit.query(name))
    }

    /// Reads the filters from an address or a form.
    pub fn read<'f>(field: impl Fn(&str) -> &'f str) -> Self {
        let text = |name: &str| Text::from(field(name).trim());
        Self {
            state: text("state"),
            endpoint: text("endpoint"),
            event: text("event"),
            kind: text("type"),
            status: text("status"),
            from: text("from"),
            to: text("to"),
        }
    }

    /// Returns the filters with times that have a zone, as the API takes them.
    pub fn zoned(&self) -> Self {
        Self {
            from: window::moment(self.from.raw()).into(),
            to: window::moment(self.to.raw()).into(),
            ..self.clone()
        }
    }

    /// Returns the names and values of all filters, as forms have them.
    pub fn all(&self) -> [(&'static str, &str); 7] {
        [
            ("state", self.state.raw()),
            ("endpoint", self.endpoint.raw()),
            ("event", self.event.raw()),
            ("type", self.kind.raw()),
            ("status", self.status.raw()),
            ("from", self.from.raw()),
            ("to", self.to.raw()),
        ]
    }

    /// Adds the filters to an address.
    pub fn on(&self, link: Link) -> Link {
        let all = self.all().into_iter();
        all.fold(link, |link, (name, value)| link.query(name, value))
    }

    /// Adds the filters to a path of the API.
    fn on_route(&self, link: Link) -> Link {
        self.zoned().on(link)
    }

    pub fn is_empty(&self) -> bool {
        self.on(Link::new("")).as_str().is_empty()
    }
}

impl Row {
    pub fn of(visit: &Visit, delivery: Delivery) -> Self {
        Self {
            state: Badge::of_delivery(delivery.state),
            link: visit.here("deliveries").push(delivery.id.raw()),
            endpoint: visit.here("endpoints").push(delivery.endpoint.raw()),
            delivery,
        }
    }
}

/// Returns the rows of a page of deliveries, and its next cursor.
pub async fn rows(visit: &Visit, route: Link) -> Result<(Vec<Row>, Option<String>), PageError> {
    let list: List<Delivery> = visit.get(route).await?;
    let items = list.items.into_iter();
    Ok((
        items.map(|delivery| Row::of(visit, delivery)).collect(),
        list.next_cursor,
    ))
}

pub async fn list(visit: Visit) -> Result<Response, PageError> {
    show(visit, false).await
}

/// Lists the deliveries whose schedule has ended.
pub async fn dead(visit: Visit) -> Result<Response, PageError> {
    show(visit, true).await
}

async fn show(visit: Visit, only_dead: bool) -> Result<Response, PageError> {
    let mut filters = Filters::of(&visit);
    let (title, section) = match only_dead {
        true => ("Dead letters", "dead-letters"),
        false => ("Deliveries", "deliveries"),
    };
    let here = visit.here(section);
    let cursor = visit.query("cursor").to_owned();
    let is_filtered = !filters.is_empty();
    if only_dead {
        filters.state = "dead".into();
    }
    let route = filters.on_route(visit.route("deliveries"));
    let (rows, next) = rows(&visit, route.query("cursor", &cursor)).await?;
    let ranges = window::RANGES.map(|(name, hours)| {
        let ranged = Filters {
            from: window::start_of_range(hours, visit.now).into(),
            to: Text::default(),
            ..filters.clone()
        };
        (name, ranged.on(here.clone()))
    });
    html(&Deliveries {
        page: visit.page(title, section),
        ranges: ranges.into(),
        is_partial: next.is_some() && rows.len() < FULL,
        rows,
        older: next.map(|next| filters.on(here.clone()).query("cursor", &next)),
        newest: (!cursor.is_empty()).then(|| filters.on(here)),
        replay: filters.on(visit.here("replay")),
        filters,
        is_filtered,
        only_dead,
    })
}
