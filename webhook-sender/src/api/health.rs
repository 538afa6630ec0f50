//! Liveness, readiness and metrics.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use problem_details::Problem;
use serde_json::{Value, json};

use super::error::ApiError;
use super::state::Api;

/// Media type of the OpenMetrics text format, version 1.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /healthz`: the process is alive.
pub async fn live() -> axum::Json<Value> {
    axum::Json(json!({ "status": "ok" }))
}

/// `GET /readyz`: the store, and the stream if there is one, are reachable.
pub async fn ready(State(api): State<Api>) -> Result<axum::Json<Value>, ApiError> {
    match api.status.unready().await {
        None => Ok(axum::Json(json!({ "status": "ready" }))),
        Some(detail) => {
            tracing::warn!(%detail, "not ready");
            Err(Problem::new(503, "not-ready", "The store or the stream is unreachable").into())
        }
    }
}

/// `GET /metrics`, in the OpenMetrics text format that Prometheus reads.
pub async fn metrics(State(api): State<Api>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, OPEN_METRICS)],
        api.status.metrics().await,
    )
}
