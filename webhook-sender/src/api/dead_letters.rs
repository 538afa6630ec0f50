//! `/v1/dead-letters` and `/v1/tenants/{tenant}/dead-letters`: events that could not be planned.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::deliveries::{MAX_LIMIT, limit};
use super::error::ApiError;
use super::extract::{Path, Query};
use super::state::Api;
use crate::model::{EventId, Rejected, Source, TenantId};
use crate::plan::Given;
use crate::store::{Cursor, Page, RejectedFilter};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    cursor: Option<Cursor>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub struct View {
    id: String,
    tenant: Option<TenantId>,
    source: Source,
    at: String,
    code: String,
    reason: String,
    fields: Vec<(String, String)>,
}

impl From<Rejected> for View {
    fn from(rejected: Rejected) -> Self {
        Self {
            id: rejected.id,
            tenant: rejected.tenant,
            source: rejected.source,
            at: rejected.at.to_string(),
            code: rejected.code,
            reason: rejected.reason,
            fields: rejected.fields,
        }
    }
}

/// Those that name no tenant that exists.
pub async fn unassigned(
    State(api): State<Api>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<View>>, ApiError> {
    page(&api, &RejectedFilter::Unassigned, wanted).await
}

/// Those of a tenant.
pub async fn of_tenant(
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<View>>, ApiError> {
    api.require(&tenant).await?;
    page(&api, &RejectedFilter::Tenant(tenant), wanted).await
}

/// Plans a rejected event after all: its tenant may exist by now.
pub async fn retry(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let rejected = find(&api, &id).await?;
    let event = plan_again(&api, &rejected).await?;
    // Only now: until it is planned it is one, whatever happens. Planning it twice changes nothing.
    api.store.take_rejected(&id).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": event }))))
}

async fn find(api: &Api, id: &str) -> Result<Rejected, ApiError> {
    let mut cursor = None;
    loop {
        let page = api
            .store
            .rejected(&RejectedFilter::All, cursor.as_ref(), MAX_LIMIT)
            .await?;
        if let Some(found) = page.items.into_iter().find(|rejected| rejected.id == id) {
            return Ok(found);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Err(ApiError::not_found("dead letter", id));
        }
    }
}

async fn plan_again(api: &Api, rejected: &Rejected) -> Result<EventId, ApiError> {
    let field = |name: &str| {
        let found = rejected.fields.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    };
    let required = |name: &str| {
        field(name).ok_or_else(|| ApiError::invalid(format!("the event has no `{name}`")))
    };
    let tenant = TenantId::parse(required("tenant")?)?;
    let given = Given {
        // Without an id of its own an event is known by that of its stream entry.
        id: field("id").or(Some(&rejected.id)),
        kind: required("type")?,
        data: required("data")?.to_owned().into(),
        timestamp: field("timestamp"),
        ordering_key: field("ordering_key"),
    };
    let event = given.check(api.max_data_bytes, api.clock.now())?;
    Ok(api.planner.submit(&tenant, event).await?.id)
}

async fn page(
    api: &Api,
    filter: &RejectedFilter,
    wanted: Wanted,
) -> Result<Json<Page<View>>, ApiError> {
    let limit = limit(wanted.limit)?;
    let page = api
        .store
        .rejected(filter, wanted.cursor.as_ref(), limit)
        .await?;
    Ok(Json(Page {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next_cursor,
    }))
}
