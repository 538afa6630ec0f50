//! A tenant at a glance: what fails, what waits, and the attempts of the last day.

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use webhook_model::Millis;

use super::deliveries::{Row, rows};
use super::endpoint_list::{EndpointRow, endpoint_rows};
use super::events::publish_command;
use crate::pages::chart::{Bars, Interval};
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::stats::{self, Sums};
use crate::pages::text::Text;
use crate::pages::visit::Visit;
use crate::pages::wire::{Delivery, List, Rejected};

/// The most deliveries and rejected events of each kind.
const SHOWN: &str = "5";

/// The number of dead letters whose endpoints need attention.
const EXAMINED: &str = "100";

/// The age up to which a dead letter needs attention.
const DAY: u64 = 24 * 60 * 60 * 1000;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    page: Page,
    troubled: Vec<FailingEndpoint>,
    dead: Vec<Row>,
    pending: Vec<Row>,
    rejected: Vec<(Rejected, Link)>,
    sums: Sums,
    hours: Vec<Interval>,
    is_empty: bool,
    publish: Text,
}

/// An endpoint that fails, is disabled, or has new dead letters.
struct FailingEndpoint {
    row: EndpointRow,
    dead: Option<NewDead>,
    dead_letters: Link,
}

/// The new dead letters of an endpoint.
#[derive(Default)]
struct NewDead {
    count: u64,
    /// There may be more than were counted.
    or_more: bool,
    /// The reason of the newest one.
    reason: Text,
}

pub async fn show(visit: Visit) -> Result<Response, PageError> {
    let deliveries = |state| {
        let route = visit.route("deliveries").query("limit", SHOWN);
        route.query("state", state)
    };
    let (dead, _) = rows(&visit, deliveries("dead")).await?;
    let (pending, _) = rows(&visit, deliveries("pending")).await?;
    let route = visit.route("dead-letters").query("limit", SHOWN);
    let rejected: List<Rejected> = visit.get(route).await?;
    let endpoints = endpoint_rows(&visit).await?;
    let sums = stats::of_tenant(&visit, "24h").await?;
    html(&Overview {
        page: visit.page("Overview", "overview"),
        is_empty: endpoints.is_empty(),
        troubled: troubled(&visit, endpoints).await?,
        dead,
        pending,
        rejected: rejected
            .items
            .into_iter()
            .map(|it| {
                let link = visit.here("rejected").push(it.id.raw());
                (it, link)
            })
            .collect(),
        hours: stats::day_of(&sums.series, visit.now),
        sums,
        publish: publish_command(visit.tenant()).into(),
    })
}

/// Returns the endpoints that somebody should look at.
async fn troubled(visit: &Visit, all: Vec<EndpointRow>) -> Result<Vec<FailingEndpoint>, PageError> {
    let mut dead = new_dead(visit).await?;
    let of = |row: EndpointRow| {
        let id = row.endpoint.id.raw();
        let dead_letters = visit.here("dead-letters").query("endpoint", id);
        let dead = dead.remove(id);
        (dead.is_some() || row.is_troubled()).then_some(FailingEndpoint {
            row,
            dead,
            dead_letters,
        })
    };
    Ok(all.into_iter().filter_map(of).collect())
}

/// Returns the new dead letters by endpoint. A transform that fails leaves no attempt behind, so that its
/// endpoint does not count as failing.
async fn new_dead(visit: &Visit) -> Result<HashMap<String, NewDead>, PageError> {
    let from = Millis(visit.now.0.saturating_sub(DAY)).to_string();
    let route = visit.route("deliveries").query("state", "dead");
    let route = route.query("from", &from).query("limit", EXAMINED);
    let newest: List<Delivery> = visit.get(route).await?;
    let mut dead: HashMap<String, NewDead> = HashMap::new();
    for delivery in newest.items {
        let of = dead.entry(delivery.endpoint.raw().to_owned()).or_default();
        if of.count == 0 {
            of.reason = delivery.reason.unwrap_or_default();
        }
        of.count += 1;
        of.or_more = newest.next_cursor.is_some();
    }
    Ok(dead)
}
