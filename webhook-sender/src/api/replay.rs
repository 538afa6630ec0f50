//! `/v1/tenants/{tenant}/replay`: makes ended deliveries due again.

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use webhook_model::{DeliveryId, EndpointId, EventId, TenantId};
use webhook_store::{DeliveryFilter, ReplayBodies};

use super::deliveries::{state, status};
use super::error::ApiError;
use super::extract::{Json, Path};
use super::moment;
use super::state::Api;
use crate::audit::AuditDetail;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    delivery: Option<String>,
    state: Option<String>,
    endpoint: Option<String>,
    event: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    status: Option<String>,
    from: Option<String>,
    to: Option<String>,
    /// Render new bodies when they are sent, instead of sending those of before.
    #[serde(default)]
    render: bool,
    /// Count the deliveries, and replay nothing.
    #[serde(default)]
    dry_run: bool,
    /// Stop counting after [`QUICK`].
    #[serde(default)]
    quick: bool,
}

/// The time after which a quick count stops.
const QUICK: Duration = Duration::from_millis(20);

pub async fn replay(
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
    Json(request): Json<ReplayRequest>,
) -> Result<impl IntoResponse, ApiError> {
    api.require(&tenant).await?;
    let filter = filter(&request)?;
    if let Some(id) = &filter.delivery
        && api.queries.delivery(&tenant, id).await?.is_none()
    {
        return Err(ApiError::not_found("delivery", id));
    }
    if request.dry_run {
        let (count, is_complete) = count(&api, &tenant, &filter, request.quick).await?;
        let detail = detail(&request).with("dry_run", true);
        let body = axum::Json(json!({ "count": count, "complete": is_complete }));
        return Ok((StatusCode::OK, Extension(detail), body));
    }
    let count = api
        .queries
        .replay(&tenant, &filter, request.bodies(), api.clock.now())
        .await?;
    api.dispatch_port.wake();
    let detail = detail(&request).with("count", count);
    let body = axum::Json(json!({ "count": count }));
    Ok((StatusCode::ACCEPTED, Extension(detail), body))
}

/// Counts the deliveries that a replay would make due. Returns their number, and whether these are all.
async fn count(
    api: &Api,
    tenant: &TenantId,
    filter: &DeliveryFilter,
    is_quick: bool,
) -> Result<(u64, bool), ApiError> {
    let began = Instant::now();
    let (mut count, mut cursor) = (0, None);
    loop {
        let part = api
            .queries
            .count_replayable(tenant, filter, cursor.as_ref());
        let part = part.await?;
        count += part.count;
        cursor = part.next_cursor;
        if cursor.is_none() || is_quick && began.elapsed() > QUICK {
            return Ok((count, cursor.is_none()));
        }
    }
}

/// Returns the filter of a replay for the audit list.
fn detail(request: &ReplayRequest) -> AuditDetail {
    let fields = [
        ("delivery", &request.delivery),
        ("state", &request.state),
        ("endpoint", &request.endpoint),
        ("event", &request.event),
        ("type", &request.kind),
        ("status", &request.status),
        ("from", &request.from),
        ("to", &request.to),
    ];
    let set = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let detail = set.fold(AuditDetail::default(), |detail, (name, value)| {
        detail.with(name, value)
    });
    match request.bodies() {
        ReplayBodies::Kept => detail,
        ReplayBodies::Deferred => detail.with("render", true),
    }
}

impl ReplayRequest {
    fn bodies(&self) -> ReplayBodies {
        if self.render {
            ReplayBodies::Deferred
        } else {
            ReplayBodies::Kept
        }
    }
}

/// Reads the filter of a replay. An empty one is rejected, because it would replay everything by mistake.
fn filter(request: &ReplayRequest) -> Result<DeliveryFilter, ApiError> {
    let filter = DeliveryFilter {
        delivery: request
            .delivery
            .as_deref()
            .map(DeliveryId::parse)
            .transpose()?,
        state: request.state.as_deref().map(state).transpose()?,
        endpoint: request
            .endpoint
            .as_deref()
            .map(EndpointId::parse)
            .transpose()?,
        event: request.event.as_deref().map(EventId::parse).transpose()?,
        kind: request.kind.clone(),
        status: request.status.as_deref().map(status).transpose()?,
        from: moment::optional("from", request.from.as_deref())?,
        to: moment::optional("to", request.to.as_deref())?,
    };
    if filter == DeliveryFilter::default() {
        return Err(ApiError::invalid(
            "a replay needs at least one of delivery, state, endpoint, event, type, status, from, to",
        ));
    }
    Ok(filter)
}
