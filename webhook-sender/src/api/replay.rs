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
use webhook_store::{CountedPart, Cursor, DeliveryFilter, ReplayBodies};

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
const QUICK: Duration = Duration::from_millis(5);

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
    let mut counting = Counting::begin(is_quick);
    loop {
        let part = api
            .queries
            .count_replayable(tenant, filter, counting.cursor.as_ref());
        counting.add(part.await?);
        if counting.has_ended() {
            return Ok((counting.count, counting.cursor.is_none()));
        }
    }
}

/// A count that is made part by part.
struct Counting {
    began: Instant,
    is_quick: bool,
    count: u64,
    /// The cursor of the next part.
    cursor: Option<Cursor>,
}

impl Counting {
    fn begin(is_quick: bool) -> Self {
        Self {
            began: Instant::now(),
            is_quick,
            count: 0,
            cursor: None,
        }
    }

    fn add(&mut self, part: CountedPart) {
        self.count += part.count;
        self.cursor = part.next_cursor;
    }

    /// Returns whether the last part was counted, or a quick count has taken long enough.
    fn has_ended(&self) -> bool {
        self.cursor.is_none() || self.is_quick && self.began.elapsed() > QUICK
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts parts of ten deliveries, each of which takes two thirds of [`QUICK`].
    async fn counted(is_quick: bool, parts: u64) -> (u64, bool) {
        let mut counting = Counting::begin(is_quick);
        for number in 1..=parts {
            tokio::time::advance(QUICK * 2 / 3).await;
            counting.add(CountedPart {
                count: 10,
                next_cursor: (number < parts).then(|| Cursor(number.to_string())),
            });
            if counting.has_ended() {
                break;
            }
        }
        (counting.count, counting.cursor.is_none())
    }

    #[tokio::test(start_paused = true)]
    async fn a_quick_count_stops_early_and_says_so() {
        assert_eq!(counted(true, 4).await, (20, false));
        assert_eq!(counted(true, 2).await, (20, true));
        assert_eq!(counted(false, 4).await, (40, true));
    }
}
