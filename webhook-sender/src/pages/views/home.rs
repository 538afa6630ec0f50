//! The first page: the tenants, or the only one that the visitor may see.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};

use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::text::Text;
use crate::pages::visit::Visit;
use crate::pages::wire::{List, Rejected, Tenant};

/// The most tenants that are shown at once.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    page: Page,
    /// The text that the ids must contain.
    wanted: Text,
    tenants: Vec<(Text, Link)>,
    has_more: bool,
    /// There are rejected events that name no existing tenant.
    has_unassigned: bool,
}

pub async fn home(visit: Visit) -> Result<Response, PageError> {
    if let Some(tenant) = &visit.visitor.tenant {
        let place = Link::new("/ui/t").push(tenant);
        return Ok(Redirect::to(place.as_str()).into_response());
    }
    let all: List<Tenant> = visit.get(Link::new("/v1/tenants")).await?;
    let wanted = visit.query("id").trim().to_owned();
    let mut matching = all
        .items
        .into_iter()
        .map(|tenant| tenant.id)
        .filter(|id| id.raw().contains(&wanted));
    let tenants: Vec<_> = matching.by_ref().take(SHOWN).map(linked).collect();
    let has_more = matching.next().is_some();
    let unassigned = Link::new("/v1/dead-letters").query("limit", "1");
    let unassigned: List<Rejected> = visit.get(unassigned).await?;
    html(&Home {
        has_unassigned: !unassigned.items.is_empty(),
        page: visit.page("Tenants", "tenants"),
        wanted: wanted.into(),
        tenants,
        has_more,
    })
}

fn linked(id: Text) -> (Text, Link) {
    let link = Link::new("/ui/t").push(id.raw());
    (id, link)
}
