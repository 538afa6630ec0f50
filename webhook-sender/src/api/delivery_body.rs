//! `/v1/tenants/{tenant}/deliveries/{delivery}/body`: the exact bytes that are sent.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::IntoResponse;
use bytes::Bytes;
use event_transforms::{MAX_OUTPUT_BYTES, Rendered};
use problem_details::Problem;
use serde::de::IgnoredAny;
use webhook_model::{Delivery, DeliveryId, MAX_DATA_BYTES, TenantId};

use super::error::ApiError;
use super::extract::Path;
use super::state::Api;
use crate::deliver::render;
use crate::registry::DEFERRED_BODY;

/// The longest wait for memory to render a body.
const MEMORY_WAIT: Duration = Duration::from_secs(1);

/// Returns the body of a delivery. A body that is rendered when it is sent is rendered now, with the
/// present transform.
///
/// The content is a tenant's: no client may take it for anything but data.
pub async fn get(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, DeliveryId)>,
) -> Result<impl IntoResponse, ApiError> {
    api.require(&tenant).await?;
    let not_found = || ApiError::not_found("delivery", &id);
    let body = api.queries.delivery_body(&tenant, &id).await?;
    let mut body = body.ok_or_else(not_found)?;
    if body == DEFERRED_BODY {
        let delivery = api.queries.delivery(&tenant, &id).await?;
        body = deferred(&api, &tenant, delivery.ok_or_else(not_found)?).await?;
    }
    let is_json = serde_json::from_slice::<IgnoredAny>(&body).is_ok();
    let kind = if is_json {
        "application/json"
    } else {
        "application/octet-stream"
    };
    let headers = [
        (CONTENT_TYPE, kind),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_DISPOSITION, "attachment"),
    ];
    Ok((headers, body))
}

async fn deferred(api: &Api, tenant: &TenantId, delivery: Delivery) -> Result<Bytes, ApiError> {
    let found = api.queries.event_details(tenant, &delivery.event).await?;
    let event = found.map(|details| details.event);
    let event = event.filter(|event| !event.data.is_empty());
    let Some(event) = event else {
        return Err(erased(&delivery));
    };
    let compiled = api.registry.endpoint(tenant, &delivery.endpoint);
    let compiled = compiled.ok_or_else(|| not_rendered("its endpoint does not exist"))?;
    let budget = api.registry.budget(tenant);
    let reserve = budget.reserve(MAX_DATA_BYTES + MAX_OUTPUT_BYTES);
    let Ok(_reserved) = tokio::time::timeout(MEMORY_WAIT, reserve).await else {
        let busy = Problem::new(503, "busy", "The tenant's memory for bodies is in use");
        return Err(ApiError::from(busy).retry_after(MEMORY_WAIT));
    };
    let data = event.data.clone();
    match render(tenant.clone(), compiled, event).await {
        Rendered::AsPublished => Ok(data),
        Rendered::Body(body) => Ok(body),
        Rendered::Unwanted => Err(not_rendered("the endpoint's filter rejects the event")),
        Rendered::Failed(reason) => Err(not_rendered(&reason)),
    }
}

fn erased(delivery: &Delivery) -> ApiError {
    Problem::new(410, "erased", "The payload was erased")
        .detail(format!("event `{}`", delivery.event))
        .into()
}

fn not_rendered(reason: &str) -> ApiError {
    Problem::new(422, "not-rendered", "The body cannot be rendered")
        .detail(reason)
        .into()
}
