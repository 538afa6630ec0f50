//! `/v1/tenants/{tenant}/endpoints/{endpoint}/test`: one delivery at once, outside of the schedule.

use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use bytes::Bytes;
use problem_details::Problem;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use webhook_model::{EndpointId, EventId, RawEvent, Source, TenantId};

use super::delivery_view::AttemptView;
use super::error::ApiError;
use super::events::{data, present};
use super::extract::{OptionalJsonBytes, Path, object};
use super::state::Api;
use crate::audit::AuditDetail;
use crate::plan::SingleRefusal;

/// The type of a test event by default.
const TEST_TYPE: &str = "webhook.test";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestRequest<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
}

/// Sends `data` to an endpoint as it is: neither the filter nor the transform runs. The event and its
/// delivery are not stored.
pub async fn send(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, EndpointId)>,
    OptionalJsonBytes(body): OptionalJsonBytes,
) -> Result<impl IntoResponse, ApiError> {
    let known = api.registry.tenant(&tenant).await?;
    let known = known.ok_or_else(|| ApiError::not_found("tenant", &tenant))?;
    let mut ids = known.endpoints.iter().map(|compiled| &compiled.endpoint.id);
    let mut unusable = known.unusable.iter().map(|(endpoint, _)| &endpoint.id);
    if !ids.any(|known| *known == id) && !unusable.any(|known| *known == id) {
        return Err(ApiError::not_found("endpoint", id));
    }
    let (kind, body) = read(&api, &body)?;
    let event = EventId::random();
    let attempt = api.single.attempt(&tenant, &id, &event, &body).await;
    let attempt = attempt.map_err(|refusal| refused(refusal, &id))?;
    let detail = AuditDetail::default()
        .with("type", kind.as_str())
        .with("status", attempt.status);
    let mut shown = json!({ "event": event, "type": kind });
    if let (Some(shown), Ok(Value::Object(attempt))) = (
        shown.as_object_mut(),
        serde_json::to_value(AttemptView::from(attempt)),
    ) {
        shown.extend(attempt);
    }
    Ok((Extension(detail), Json(shown)))
}

/// Reads the type and the data of a test event.
fn read(api: &Api, body: &Bytes) -> Result<(String, Bytes), ApiError> {
    let request: TestRequest<'_> = match body.is_empty() {
        true => TestRequest::default(),
        false => object(body)?,
    };
    let kind = request.kind.unwrap_or_else(|| TEST_TYPE.into());
    let data = match request.data {
        Some(json) => data(body, json),
        None => Bytes::from_static(br#"{"test":true}"#),
    };
    let raw = RawEvent {
        id: None,
        kind: &kind,
        data,
        timestamp: None,
        ordering_key: None,
        source: Source::API,
    };
    let event = raw.check(api.max_data_bytes, api.clock.now())?;
    Ok((event.kind, event.data))
}

fn refused(refusal: SingleRefusal, id: &EndpointId) -> ApiError {
    let busy = |detail: &str, wait: Duration| {
        let title = "The endpoint accepts no attempt at present";
        let problem = Problem::new(429, "endpoint-busy", title);
        ApiError::from(problem.detail(detail)).retry_after(wait)
    };
    match refusal {
        SingleRefusal::Busy => busy("all permits are in use", Duration::from_secs(1)),
        SingleRefusal::After(wait) => busy("its rate limit or circuit breaker", wait),
        SingleRefusal::Unusable => ApiError::conflict(format!(
            "endpoint `{id}` is disabled or cannot be used; enable it first"
        )),
    }
}
