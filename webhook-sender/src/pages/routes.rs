//! The addresses of the pages.

use std::collections::HashMap;

use axum::extract::{DefaultBodyLimit, Query};
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Router, middleware};

use super::assets;
use super::error::PageError;
use super::headers::{self, FramePolicy};
use super::link::Link;
use super::state::Pages;
use super::views::{
    audit, deliveries, delivery, editor, endpoint, endpoint_list, events, home, keys, live,
    overview, portal, rejected, replay, sign_in,
};

/// The most bytes of a form.
const MAX_FORM: usize = 512 * 1024;

/// Returns all pages, under `/ui`.
pub fn router(pages: Pages, frames: FramePolicy) -> Router {
    let ui = Router::new()
        .route("/", get(home::home))
        .route("/assets/{hash}/{name}", get(assets::serve))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{id}/revoke", post(keys::revoke))
        .route("/audit", get(audit::list))
        .route("/rejected", get(rejected::list))
        .route("/rejected/{id}", get(rejected::show).post(rejected::retry))
        .nest("/t/{tenant}", of_tenant())
        .route("/portal", get(enter_portal))
        .nest("/portal/{token}", of_tenant())
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(middleware::from_fn_with_state(frames, headers::add));
    Router::new()
        .route("/", get(|| async { Redirect::to("/ui/") }))
        .route("/ui", get(|| async { Redirect::to("/ui/") }))
        .nest("/ui/", ui)
        .with_state(pages)
}

/// Returns the pages of a tenant: for keys under its id, and for its portal under a session.
fn of_tenant() -> Router<Pages> {
    Router::new()
        .route("/", get(overview::show))
        .route("/events", get(events::list))
        .route("/events/{id}", get(events::show))
        .route("/events/{id}/erase", post(events::erase))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{id}", get(delivery::show))
        .route("/deliveries/{id}/body", get(delivery::body))
        .route("/deliveries/{id}/replay", post(delivery::replay))
        .route("/dead-letters", get(deliveries::dead))
        .route("/endpoints", get(endpoint_list::list))
        .route(
            "/new-endpoint",
            get(endpoint_list::new).post(endpoint_list::add),
        )
        .route("/endpoints/{id}", get(endpoint::show))
        .route(
            "/endpoints/{id}/edit",
            get(editor::show).post(editor::change),
        )
        .route("/endpoints/{id}/test", post(endpoint::test))
        .route("/endpoints/{id}/enable", post(endpoint::enable))
        .route("/endpoints/{id}/rotate", post(endpoint::rotate))
        .route("/endpoints/{id}/delete", post(endpoint::delete))
        .route("/rejected", get(rejected::list))
        .route("/rejected/{id}", get(rejected::show).post(rejected::retry))
        .route("/replay", get(replay::show).post(replay::replay))
        .route("/portal-links", get(portal::list).post(portal::create))
        .route("/portal-links/{id}/revoke", post(portal::revoke))
        .route("/live", get(live::show))
        .route("/live/stream", get(live::stream))
}

/// Leads from the link of a portal session to its pages. Their addresses hold the session, because a
/// browser sends no cookie of this site in a frame of another one.
async fn enter_portal(Query(query): Query<HashMap<String, String>>) -> Result<Redirect, PageError> {
    let token = query
        .get("token")
        .ok_or_else(|| PageError::not_found("page"))?;
    Ok(Redirect::to(Link::new("/ui/portal").push(token).as_str()))
}

async fn not_found() -> PageError {
    PageError::not_found("page")
}
