//! `/v1/tenants/{tenant}/deliveries`: deliveries and their attempts.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use webhook_model::{DeliveryId, DeliveryState, EndpointId, EventId, TenantId};
use webhook_store::{Cursor, DeliveryFilter, Page, StatusFilter};

use super::delivery_view::View;
use super::error::ApiError;
use super::extract::{Path, Query};
use super::paging::limit;
use super::state::Api;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    state: Option<String>,
    endpoint: Option<String>,
    event: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    status: Option<String>,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<Cursor>,
    limit: Option<usize>,
}

pub async fn list(
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Page<View>>, ApiError> {
    api.require(&tenant).await?;
    let limit = limit(parameters.limit)?;
    let filter = DeliveryFilter {
        delivery: None,
        state: parameters.state.as_deref().map(state).transpose()?,
        endpoint: parameters
            .endpoint
            .as_deref()
            .map(EndpointId::parse)
            .transpose()?,
        event: parameters
            .event
            .as_deref()
            .map(EventId::parse)
            .transpose()?,
        kind: parameters.kind,
        status: parameters.status.as_deref().map(status).transpose()?,
        from: super::moment::optional("from", parameters.from.as_deref())?,
        to: super::moment::optional("to", parameters.to.as_deref())?,
    };
    let cursor = parameters.cursor.as_ref();
    page(&api, &tenant, &filter, cursor, limit).await.map(Json)
}

/// Returns a page of the deliveries that match `filter`.
pub(super) async fn page(
    api: &Api,
    tenant: &TenantId,
    filter: &DeliveryFilter,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Page<View>, ApiError> {
    let page = api
        .queries
        .deliveries(tenant, filter, cursor, limit)
        .await?;
    Ok(page.map(Into::into))
}

pub async fn get(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, DeliveryId)>,
) -> Result<Json<View>, ApiError> {
    let found = match api.require(&tenant).await {
        Ok(()) => api.queries.delivery(&tenant, &id).await?,
        Err(error) => return Err(error),
    };
    found
        .map(|delivery| Json(delivery.into()))
        .ok_or_else(|| ApiError::not_found("delivery", id))
}

pub(super) fn state(name: &str) -> Result<DeliveryState, ApiError> {
    DeliveryState::named(name).ok_or_else(|| {
        let known = DeliveryState::ALL.map(DeliveryState::name).join(", ");
        ApiError::invalid(format!("state `{name}` is none of {known}"))
    })
}

pub(super) fn status(text: &str) -> Result<StatusFilter, ApiError> {
    text.parse()
        .map_err(|error| ApiError::invalid(format!("status `{text}` is {error}")))
}
