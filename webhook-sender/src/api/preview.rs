//! `/v1/tenants/{tenant}/preview`: the bodies of an event, without sending or storing anything.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use problem_details::Problem;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use webhook_model::{EndpointId, Event, EventId, Millis, Origin, RawEvent, Source, TenantId};

use super::error::ApiError;
use super::events::{data, moment, present};
use super::extract::{JsonBytes, Path, object};
use super::state::Api;
use crate::background;
use crate::config::{EndpointSpec, Rules};
use crate::plan::{PreviewOutcome, Previewed, Previewing, preview};
use crate::registry::CompiledEndpoint;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PreviewRequest<'a> {
    /// Parsed as [`PreviewEvent`].
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    event_id: Option<String>,
    endpoint: Option<Map<String, Value>>,
}

/// An event that is not stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PreviewEvent<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    id: Option<String>,
    timestamp: Option<Value>,
    ordering_key: Option<String>,
}

/// Previews an event for all endpoints of the tenant, or for one that is not stored.
pub async fn show(
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
    JsonBytes(body): JsonBytes,
) -> Result<Json<Value>, ApiError> {
    let known = api.registry.tenant(&tenant).await?;
    let known = known.ok_or_else(|| ApiError::not_found("tenant", &tenant))?;
    let turn = api.previews.begin(&tenant).ok_or_else(in_progress)?;
    let (event, event_id, declared) = {
        let request: PreviewRequest<'_> = object(&body)?;
        let event = request.event.map(|event| read(&api, &body, event));
        (event.transpose()?, request.event_id, request.endpoint)
    };
    let event = match (event, event_id) {
        (Some(event), None) => event,
        (None, Some(id)) => stored(&api, &tenant, &id).await?,
        _ => {
            let detail = "exactly one of `event` and `event_id` is required";
            return Err(ApiError::invalid(detail));
        }
    };
    let permit = turn.permit().await;
    let rules = api.rules.borrow().clone();
    let now = api.clock.now();
    let work = move || {
        let endpoints = match declared {
            None => Previewing::Stored(known),
            Some(declared) => {
                let compiled = compile(&tenant, declared, &rules, now)?;
                Previewing::Declared(Box::new(compiled))
            }
        };
        let previewed = preview(&tenant, &event, &endpoints);
        // Held until the work has ended, even if the client does not wait for it.
        drop((turn, permit));
        Ok::<_, ApiError>(previewed)
    };
    let previewed = background::run(work).await;
    let previewed = previewed.map_err(|_| ApiError::invalid("the preview failed"))??;
    let items: Vec<_> = previewed.into_iter().map(view).collect();
    Ok(Json(json!({ "items": items })))
}

fn in_progress() -> ApiError {
    let title = "Another preview of the tenant is in progress";
    let problem = Problem::new(429, "preview-in-progress", title);
    ApiError::from(problem).retry_after(Duration::from_secs(1))
}

fn read(api: &Api, body: &Bytes, event: &RawValue) -> Result<Event, ApiError> {
    let event: PreviewEvent<'_> = object(event.get().as_bytes())?;
    let required = |name| ApiError::invalid(format!("event: `{name}` is missing"));
    let timestamp = event.timestamp.as_ref().map(moment).transpose()?;
    let raw = RawEvent {
        id: event.id.as_deref(),
        kind: event.kind.as_deref().ok_or_else(|| required("type"))?,
        data: data(body, event.data.ok_or_else(|| required("data"))?),
        timestamp: timestamp.as_deref(),
        ordering_key: event.ordering_key.as_deref(),
        source: Source::API,
    };
    Ok(raw.check(api.max_data_bytes, api.clock.now())?)
}

async fn stored(api: &Api, tenant: &TenantId, id: &str) -> Result<Event, ApiError> {
    let missing = || ApiError::not_found("event", id);
    let event = EventId::parse(id).map_err(|_| missing())?;
    let found = api.queries.event_details(tenant, &event).await?;
    let (event, data) = found.ok_or_else(missing)?.into_parts();
    Ok(Event {
        id: event.id,
        kind: event.kind,
        data,
        at: event.at,
        ordering_key: event.ordering_key,
        source: event.source,
    })
}

fn compile(
    tenant: &TenantId,
    mut declared: Map<String, Value>,
    rules: &Rules,
    now: Millis,
) -> Result<CompiledEndpoint, ApiError> {
    declared.remove("id");
    let spec = EndpointSpec::from_json(&Value::Object(declared), rules).map_err(|faults| {
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| format!("endpoint.{fault}"))
            .collect();
        ApiError::invalid(faults.join("; "))
    })?;
    let endpoint = spec.endpoint(tenant.clone(), EndpointId::random(), Origin::Api, now);
    CompiledEndpoint::new(endpoint, &rules.components)
        .map_err(|error| ApiError::invalid(format!("endpoint: {error}")))
}

fn view(previewed: Previewed) -> Value {
    let mut shown = json!({
        "endpoint": previewed.endpoint,
        "matched": previewed.outcome != PreviewOutcome::Unmatched,
        "filtered": previewed.outcome == PreviewOutcome::Filtered,
        "body": null,
        "error": null,
    });
    match previewed.outcome {
        PreviewOutcome::Unmatched | PreviewOutcome::Filtered => {}
        // A body that is not UTF-8 is shown with replacement characters.
        PreviewOutcome::Body(body) => shown["body"] = String::from_utf8_lossy(&body).into(),
        PreviewOutcome::Failed(reason) => shown["error"] = reason.into(),
    }
    shown
}
