//! `/v1/tenants/{tenant}/stats` and `/v1/tenants/{tenant}/endpoints/{endpoint}/stats`: statistics of a tenant
//! and of one endpoint.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use webhook_model::{EndpointId, Millis, TenantId};
use webhook_store::{Counters, HOURS_KEPT, Interval, MINUTES_KEPT, RecentAttempt};

use super::error::ApiError;
use super::extract::{Path, Query};
use super::state::Api;

const DEFAULT_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
const SHORTEST_WINDOW: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    window: Option<String>,
}

/// The statistics of an endpoint.
#[derive(Serialize)]
pub struct OfEndpoint {
    /// Attempts in the window.
    succeeded: u64,
    failed: u64,
    /// Deliveries that became dead letters in the window.
    dead: u64,
    /// Deliveries that are pending now, up to the maximum that is counted.
    pending: u64,
    p50_ms: Option<u32>,
    p95_ms: Option<u32>,
    /// The state of the circuit breaker in this process.
    breaker: &'static str,
    oldest_due_age_seconds: Option<u64>,
    series: Vec<Point>,
    /// The last attempts, the newest first, whenever they were made.
    last_attempts: Vec<LastAttempt>,
}

/// The sums of a tenant's outcomes, also of endpoints that were deleted since.
#[derive(Serialize)]
pub struct OfTenant {
    succeeded: u64,
    failed: u64,
    dead: u64,
    series: Vec<Sum>,
}

/// An attempt of an endpoint.
#[derive(Serialize)]
struct LastAttempt {
    at: String,
    succeeded: bool,
    status: Option<u16>,
    duration_ms: u32,
}

/// The sums of a minute or an hour.
#[derive(Serialize)]
struct Sum {
    at: String,
    succeeded: u64,
    failed: u64,
    dead: u64,
}

impl From<RecentAttempt> for LastAttempt {
    fn from(attempt: RecentAttempt) -> Self {
        Self {
            at: attempt.at.to_string(),
            succeeded: attempt.succeeded,
            status: attempt.status,
            duration_ms: attempt.duration_ms,
        }
    }
}

impl From<&Counters> for Sum {
    fn from(counters: &Counters) -> Self {
        Self {
            at: counters.at.to_string(),
            succeeded: counters.succeeded,
            failed: counters.failed,
            dead: counters.dead,
        }
    }
}

/// The counters of a minute or an hour.
#[derive(Serialize)]
struct Point {
    at: String,
    succeeded: u64,
    failed: u64,
    dead: u64,
    p50_ms: Option<u32>,
    p95_ms: Option<u32>,
}

impl From<Counters> for Point {
    fn from(counters: Counters) -> Self {
        Self {
            at: counters.at.to_string(),
            succeeded: counters.succeeded,
            failed: counters.failed,
            dead: counters.dead,
            p50_ms: counters.latencies.percentile(50),
            p95_ms: counters.latencies.percentile(95),
        }
    }
}

/// The intervals that a request is about.
struct Span {
    by: Interval,
    from: Millis,
}

impl Parameters {
    fn span(&self, now: Millis) -> Result<Span, ApiError> {
        let window = self.window.as_deref().map(window).transpose()?;
        let window = window.unwrap_or(DEFAULT_WINDOW);
        let by = if window <= MINUTES_KEPT {
            Interval::Minute
        } else {
            Interval::Hour
        };
        let from = now.before(window);
        Ok(Span { by, from })
    }
}

pub async fn of_endpoint(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, EndpointId)>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<OfEndpoint>, ApiError> {
    api.require(&tenant).await?;
    let now = api.clock.now();
    let Span { by, from } = parameters.span(now)?;
    let stats = api.queries.endpoint_stats(&tenant, &id, by, from).await?;
    let stats = stats.ok_or_else(|| ApiError::not_found("endpoint", &id))?;
    let total = Counters::total(&stats.series);
    let overdue = stats.oldest_due.filter(|due| *due <= now);
    let is_open = api.dispatch_port.is_breaker_open(&tenant, &id);
    Ok(Json(OfEndpoint {
        succeeded: total.succeeded,
        failed: total.failed,
        dead: total.dead,
        pending: stats.pending,
        p50_ms: total.latencies.percentile(50),
        p95_ms: total.latencies.percentile(95),
        breaker: if is_open { "open" } else { "closed" },
        oldest_due_age_seconds: overdue.map(|due| now.since(due).as_secs()),
        series: stats.series.into_iter().map(Into::into).collect(),
        last_attempts: stats.recent.into_iter().map(Into::into).collect(),
    }))
}

pub async fn of_tenant(
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<OfTenant>, ApiError> {
    let Span { by, from } = parameters.span(api.clock.now())?;
    let sums = api.queries.tenant_stats(&tenant, by, from).await?;
    let sums = sums.ok_or_else(|| ApiError::not_found("tenant", &tenant))?;
    let total = Counters::total(&sums);
    Ok(Json(OfTenant {
        succeeded: total.succeeded,
        failed: total.failed,
        dead: total.dead,
        series: sums.iter().map(Into::into).collect(),
    }))
}

fn window(text: &str) -> Result<Duration, ApiError> {
    let window = humantime::parse_duration(text).ok();
    window
        .filter(|window| (SHORTEST_WINDOW..=HOURS_KEPT).contains(window))
        .ok_or_else(|| {
            let detail = format!("window `{text}` is not a duration from 1m to 7days, such as 24h");
            ApiError::invalid(detail)
        })
}
