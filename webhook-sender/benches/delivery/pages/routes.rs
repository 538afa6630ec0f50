//! The addresses that are measured.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use webhook_model::Clock;

use crate::publish::Reader;
use crate::sender::Sender;

/// Every list and every resource of a list with each filter, then the pages. `{…}` stands for an id, a cursor
/// or a moment of the stored day.
const ROUTES: [&str; 88] = [
    "/v1/tenants",
    "/v1/keys",
    "/v1/audit",
    "/v1/audit?tenant=acme",
    "/v1/audit?from={morning}&to={noon}",
    "/v1/dead-letters",
    "/v1/tenants/acme/dead-letters",
    "/v1/tenants/acme/portal-sessions",
    "/v1/tenants/acme/endpoints",
    "/v1/tenants/acme/endpoints/order",
    "/v1/tenants/acme/endpoints/order/stats",
    "/v1/tenants/acme/endpoints/order/stats?window=1h",
    "/v1/tenants/acme/endpoints/order/stats?window=7days",
    "/v1/tenants/acme/events",
    "/v1/tenants/acme/events?limit=500",
    "/v1/tenants/acme/events?from={morning}&to={noon}",
    "/v1/tenants/acme/events?type=order.shipped",
    "/v1/tenants/acme/events?type=rare.shipped",
    "/v1/tenants/acme/events?type=none",
    "/v1/tenants/acme/events?source=none",
    "/v1/tenants/acme/events?state=accepted",
    "/v1/tenants/acme/events?state=planned",
    "/v1/tenants/acme/events?state=rejected",
    "/v1/tenants/acme/events?state=planned&type=none&to={noon}",
    "/v1/tenants/acme/events/{event}",
    "/v1/tenants/acme/events/{rejected}",
    "/v1/tenants/acme/deliveries",
    "/v1/tenants/acme/deliveries?limit=500",
    "/v1/tenants/acme/deliveries?cursor={cursor}",
    "/v1/tenants/acme/deliveries?to={noon}",
    "/v1/tenants/acme/deliveries?from={morning}&to={noon}",
    "/v1/tenants/acme/deliveries?state=pending",
    "/v1/tenants/acme/deliveries?state=in_flight",
    "/v1/tenants/acme/deliveries?state=succeeded",
    "/v1/tenants/acme/deliveries?state=dead",
    "/v1/tenants/acme/deliveries?endpoint=order",
    "/v1/tenants/acme/deliveries?endpoint=rare",
    "/v1/tenants/acme/deliveries?type=order.shipped",
    "/v1/tenants/acme/deliveries?type=rare.shipped",
    "/v1/tenants/acme/deliveries?type=none",
    "/v1/tenants/acme/deliveries?status=200",
    "/v1/tenants/acme/deliveries?status=202",
    "/v1/tenants/acme/deliveries?status=404",
    "/v1/tenants/acme/deliveries?status=5xx",
    "/v1/tenants/acme/deliveries?status=418",
    "/v1/tenants/acme/deliveries?status=none",
    "/v1/tenants/acme/deliveries?event={event}",
    "/v1/tenants/acme/deliveries?state=dead&status=5xx&from={morning}&to={noon}",
    "/v1/tenants/acme/deliveries?state=dead&type=none&to={noon}",
    "/v1/tenants/acme/deliveries?state=pending&type=none&status=404",
    "/v1/tenants/acme/deliveries?state=succeeded&endpoint=rare&to={noon}",
    "/v1/tenants/acme/deliveries?state=succeeded&type=none&status=2xx",
    "/v1/tenants/umbrella/deliveries?type=none",
    "/v1/tenants/acme/deliveries/{delivery}",
    "/v1/tenants/acme/deliveries/{delivery}/body",
    "/ui/",
    "/ui/keys",
    "/ui/audit",
    "/ui/t/acme",
    "/ui/t/acme/events",
    "/ui/t/acme/events?type=none",
    "/ui/t/acme/events?state=rejected",
    "/ui/t/acme/events/{event}",
    "/ui/t/acme/deliveries",
    "/ui/t/acme/deliveries?cursor={cursor}",
    "/ui/t/acme/deliveries?from={morning}&to={noon}",
    "/ui/t/acme/deliveries?state=pending",
    "/ui/t/acme/deliveries?state=in_flight",
    "/ui/t/acme/deliveries?state=succeeded",
    "/ui/t/acme/deliveries?type=none",
    "/ui/t/acme/deliveries?status=5xx",
    "/ui/t/acme/deliveries?endpoint=rare",
    "/ui/t/acme/deliveries?event={event}",
    "/ui/t/acme/deliveries/{delivery}",
    "/ui/t/acme/deliveries/{delivery}/body",
    "/ui/t/acme/dead-letters",
    "/ui/t/acme/dead-letters?endpoint=failing",
    "/ui/t/acme/endpoints",
    "/ui/t/acme/endpoints/order",
    "/ui/t/acme/endpoints/failing",
    "/ui/t/acme/endpoints/order/edit",
    "/ui/t/acme/new-endpoint",
    "/ui/t/acme/rejected",
    "/ui/t/acme/rejected/{rejected}",
    "/ui/t/acme/replay",
    "/ui/t/acme/replay?state=dead",
    "/ui/t/acme/portal-links",
    "/ui/t/acme/live",
];

/// An address, and the text that names it.
pub struct Route {
    pub name: &'static str,
    pub path: String,
}

impl Route {
    pub fn is_page(&self) -> bool {
        self.name.starts_with("/ui/") && !self.name.ends_with("/body")
    }
}

/// Returns all addresses, with a delivery and an event that the sender has.
pub async fn all(sender: &Sender) -> Result<Vec<Route>> {
    let mut reader = Reader::to(sender).await?;
    let dead = first(
        &mut reader,
        "/v1/tenants/acme/deliveries?state=dead&limit=1",
    )
    .await?;
    let newest = first(&mut reader, "/v1/tenants/acme/deliveries?limit=1").await?;
    let rejected = first(&mut reader, "/v1/tenants/acme/dead-letters?limit=1").await?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
    let now = Clock::system().now();
    let hours = |hours: u64| now.before(Duration::from_secs(hours * 3600)).to_string();
    let values = [
        ("{delivery}", text(&dead["items"][0]["id"])?),
        ("{event}", text(&dead["items"][0]["event"])?),
        ("{rejected}", text(&rejected["items"][0]["id"])?),
        ("{cursor}", text(&newest["next_cursor"])?),
        ("{morning}", hours(13)),
        ("{noon}", hours(12)),
    ];
    let route = |name: &'static str| {
        let fill = |path: String, (place, value): &(&str, String)| path.replace(place, value);
        let path = values.iter().fold(name.to_owned(), fill);
        Route { name, path }
    };
    Ok(ROUTES.map(route).into())
}

async fn first(reader: &mut Reader, path: &str) -> Result<Value> {
    Ok(serde_json::from_slice(&reader.get(path).await?)?)
}
