//! `/v1/tenants/{tenant}/events`: publishing events.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use problem_details::Problem;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use webhook_model::{EventError, RawEvent, TenantId};

use super::error::ApiError;
use super::extract::{JsonBytes, Path, Publisher, object};
use super::state::Api;
use crate::plan::{PlanError, Submitted};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventRequest<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    id: Option<String>,
    timestamp: Option<Value>,
    ordering_key: Option<String>,
}

/// Deserialises `null` as data: only an absent member is missing.
pub(super) fn present<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}

pub async fn publish(
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
    Publisher(source): Publisher,
    JsonBytes(body): JsonBytes,
) -> Result<impl IntoResponse, ApiError> {
    let event = {
        let request: EventRequest<'_> = object(&body)?;
        let timestamp = request.timestamp.as_ref().map(moment).transpose()?;
        let required = |name| ApiError::invalid(format!("`{name}` is missing"));
        let raw = RawEvent {
            id: request.id.as_deref(),
            kind: request.kind.as_deref().ok_or_else(|| required("type"))?,
            data: data(&body, request.data.ok_or_else(|| required("data"))?),
            timestamp: timestamp.as_deref(),
            ordering_key: request.ordering_key.as_deref(),
            source,
        };
        raw.check(api.max_data_bytes, api.clock.now())?
    };
    let submitted = api.planner.submit(&tenant, event).await?;
    api.status.published();
    Ok((StatusCode::ACCEPTED, axum::Json(response(submitted))))
}

fn response(submitted: Submitted) -> Value {
    if submitted.known {
        json!({ "id": submitted.id, "duplicate": true })
    } else {
        json!({ "id": submitted.id })
    }
}

/// Returns the bytes of the data in the body, without copying them.
pub(super) fn data(body: &Bytes, data: &RawValue) -> Bytes {
    body.slice_ref(data.get().as_bytes())
}

/// Reads a timestamp in JSON: text, or a number of seconds.
pub(super) fn moment(value: &Value) -> Result<String, ApiError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(ApiError::invalid(format!(
            "timestamp `{other}` is neither text nor a number"
        ))),
    }
}

impl From<EventError> for ApiError {
    fn from(error: EventError) -> Self {
        match error {
            EventError::TooLarge { .. } => {
                let problem = Problem::new(413, "too-large", "The body is too large");
                problem.detail(error.to_string()).into()
            }
            other => Self::invalid(other.to_string()),
        }
    }
}

impl From<PlanError> for ApiError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::UnknownTenant(tenant) => Self::not_found("tenant", tenant),
            PlanError::ConflictingId(_) => {
                let title = "The event's id belongs to another event";
                let problem = Problem::new(409, "conflicting-id", title);
                problem.detail(error.to_string()).into()
            }
            other => {
                tracing::error!(error = %other, "an event was not planned");
                Problem::new(503, "not-planned", "The event may not have been kept")
                    .detail("publish it again under the same id")
                    .into()
            }
        }
    }
}
