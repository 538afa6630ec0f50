//! `/v1/tenants`: listing, adding and removing tenants.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use webhook_model::TenantId;

use super::error::ApiError;
use super::extract::Path;
use super::state::Api;
use crate::keys::Principal;

type ApiResult<T> = Result<T, ApiError>;

/// Lists the tenants that the key has access to.
pub async fn list(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
) -> ApiResult<axum::Json<Value>> {
    let tenants = api.tenants.tenants().await?;
    let visible = tenants.iter().filter(|(id, _)| principal.sees(id));
    let items: Vec<_> = visible.map(|(id, _)| json!({ "id": id })).collect();
    Ok(axum::Json(json!({ "items": items })))
}

pub async fn put(
    State(api): State<Api>,
    Path(tenant): Path<String>,
) -> ApiResult<impl IntoResponse> {
    // 422 instead of 404: the request would create the tenant.
    let tenant = TenantId::parse(&tenant)?;
    let status = if api.tenants.put_tenant(&tenant).await? {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, axum::Json(json!({ "id": tenant }))))
}

pub async fn get(
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
) -> ApiResult<axum::Json<Value>> {
    let endpoints = api.tenants.endpoints(&tenant).await?;
    let (_, endpoints) = endpoints.ok_or_else(|| ApiError::not_found("tenant", &tenant))?;
    Ok(axum::Json(
        json!({ "id": tenant, "endpoints": endpoints.len() }),
    ))
}

/// Deletes a tenant, after its keys: they must not open a later tenant of the same id.
pub async fn delete(State(api): State<Api>, Path(tenant): Path<TenantId>) -> ApiResult<StatusCode> {
    api.keyring.revoke_all_of(&tenant).await?;
    if !api.tenants.delete_tenant(&tenant).await? {
        return Err(ApiError::not_found("tenant", tenant));
    }
    api.registry.refresh().await?;
    Ok(StatusCode::NO_CONTENT)
}
