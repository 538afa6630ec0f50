//! Which path does what.

use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Router, middleware};
use problem::Problem;

use super::error::ApiError;
use super::state::Api;
use super::{auth, dead_letters, deliveries, endpoints, events, health, replay, tenants};

const OPENAPI: &str = include_str!("openapi.json");

/// What a request may have beside the event's data, in bytes.
const BESIDE_DATA: usize = 64 * 1024;

/// The whole surface. Everything under `/v1` wants the token; health and metrics do not.
pub fn router(api: Api, token: auth::Token) -> Router {
    let limit = DefaultBodyLimit::max(api.max_data_bytes.saturating_add(BESIDE_DATA));
    let v1 = v1()
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(limit)
        .layer(middleware::from_fn_with_state(token, auth::check));
    Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .nest("/v1", v1)
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(api)
}

fn v1() -> Router<Api> {
    let tenant = get(tenants::get).put(tenants::put).delete(tenants::delete);
    let endpoint = get(endpoints::get)
        .patch(endpoints::change)
        .delete(endpoints::delete);
    Router::new()
        .route("/openapi.json", get(document))
        .route("/tenants", get(tenants::list))
        .route("/tenants/{tenant}", tenant)
        .route(
            "/tenants/{tenant}/endpoints",
            get(endpoints::list).post(endpoints::add),
        )
        .route("/tenants/{tenant}/endpoints/{endpoint}", endpoint)
        .route(
            "/tenants/{tenant}/endpoints/{endpoint}/rotate-secret",
            post(endpoints::rotate),
        )
        .route("/tenants/{tenant}/events", post(events::publish))
        .route("/tenants/{tenant}/deliveries", get(deliveries::list))
        .route(
            "/tenants/{tenant}/deliveries/{delivery}",
            get(deliveries::get),
        )
        .route(
            "/tenants/{tenant}/dead-letters",
            get(dead_letters::of_tenant),
        )
        .route("/tenants/{tenant}/replay", post(replay::replay))
        .route("/dead-letters", get(dead_letters::unassigned))
        .route("/dead-letters/{id}/retry", post(dead_letters::retry))
}

async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

async fn not_found(uri: axum::http::Uri) -> ApiError {
    ApiError::not_found("path", uri.path())
}

async fn not_allowed() -> ApiError {
    Problem::new(
        405,
        "method-not-allowed",
        "The path does not take this method",
    )
    .into()
}
