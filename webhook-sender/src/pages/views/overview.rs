//! A tenant at a glance: what fails, what waits, and the attempts of the last day.

use askama::Template;
use axum::response::Response;

use super::deliveries::{Row, rows};
use super::endpoint_list::{EndpointRow, endpoint_rows};
use super::events::publish_command;
use crate::pages::chart::{Bars, Interval};
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::stats;
use crate::pages::text::Text;
use crate::pages::visit::Visit;
use crate::pages::wire::{List, Rejected};

/// The most deliveries and rejected events of each kind.
const SHOWN: &str = "5";

/// The most endpoints whose attempts are added up: each is a query.
const CHARTED: usize = 20;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    page: Page,
    /// Endpoints that fail or are disabled.
    troubled: Vec<EndpointRow>,
    endpoints: usize,
    dead: Vec<Row>,
    pending: Vec<Row>,
    rejected: Vec<(Rejected, Link)>,
    hours: Vec<Interval>,
    charted: usize,
    is_empty: bool,
    publish: Text,
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
    let charted = endpoints.len().min(CHARTED);
    let mut hours = stats::empty_day(visit.now);
    for row in endpoints.iter().take(CHARTED) {
        let stats = stats::of(&visit, row.endpoint.id.raw(), "24h").await?;
        stats::add(&mut hours, &stats.series);
    }
    let all = endpoints.len();
    let troubled = endpoints.into_iter().filter(EndpointRow::is_troubled);
    html(&Overview {
        page: visit.page("Overview", "overview"),
        troubled: troubled.collect(),
        endpoints: all,
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
        is_empty: all == 0,
        hours,
        charted,
        publish: publish_command(visit.tenant()).into(),
    })
}
