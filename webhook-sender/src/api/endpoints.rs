//! `/v1/tenants/{tenant}/endpoints`: the endpoints of a tenant.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use webhook_model::{Endpoint, EndpointId, Handshake, Millis, Origin, Secret, TenantId};
use webhook_store::StoreError;

use super::error::ApiError;
use super::extract::{self, Path};
use super::state::Api;
use crate::audit::{AuditDetail, difference};
use crate::background;
use crate::config::{Diagnostic, EndpointSpec, new_handshake_key};
use crate::handshake;

type ApiResult = Result<Json<Value>, ApiError>;

pub async fn list(State(api): State<Api>, Path(tenant): Path<TenantId>) -> ApiResult {
    let endpoints = stored(&api, &tenant).await?;
    let items: Vec<_> = endpoints.iter().map(view).collect();
    Ok(Json(json!({ "items": items })))
}

pub async fn get(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, EndpointId)>,
) -> ApiResult {
    Ok(Json(view(&find(&api, &tenant, &id).await?)))
}

/// Adds an endpoint. Only this response contains its secret.
pub async fn add(
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
    extract::Json(mut declared): extract::Json<Map<String, Value>>,
) -> Result<impl IntoResponse, ApiError> {
    let id = match declared.remove("id") {
        None | Some(Value::Null) => EndpointId::random(),
        Some(Value::String(id)) => EndpointId::parse(&id)?,
        Some(other) => return Err(ApiError::invalid(format!("id: `{other}` is not text"))),
    };
    let stored = stored(&api, &tenant).await?;
    let most = api.registry.limits(&tenant).endpoints;
    if stored.len() >= most {
        let detail = format!("tenant `{tenant}` has reached its limit of {most} endpoints");
        return Err(problem_details::Problem::new(
            409,
            "too-many-endpoints",
            "The tenant has too many endpoints",
        )
        .detail(detail)
        .into());
    }
    if stored.iter().any(|endpoint| endpoint.id == id) {
        return Err(ApiError::conflict(format!(
            "endpoint `{id}` already exists"
        )));
    }
    let rules = api.rules.borrow().clone();
    let mut spec =
        blocking(move || EndpointSpec::from_json(&Value::Object(declared), &rules)).await?;
    if spec.handshake.is_some() && spec.secret.is_none() {
        spec.secret = Some(new_handshake_key());
    }
    let endpoint = spec.endpoint(tenant, id, Origin::Api, api.clock.now());
    if let (Some(Handshake::Key), Some(secret)) = (endpoint.handshake, endpoint.secrets.first()) {
        perform_handshake(&api, &endpoint, secret).await?;
    }
    put(&api, &endpoint, None).await?;
    let mut shown = view(&endpoint);
    shown["secret"] = newest(&endpoint);
    let created = difference(&Map::new(), &EndpointSpec::to_json(&endpoint));
    let detail = AuditDetail::of(&endpoint.id).changed(created);
    Ok((StatusCode::CREATED, Extension(detail), Json(shown)))
}

pub async fn change(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, EndpointId)>,
    extract::Json(patch): extract::Json<Map<String, Value>>,
) -> Result<impl IntoResponse, ApiError> {
    if patch.contains_key("secret") {
        return Err(ApiError::invalid(
            "secret: use `rotate-secret` to change it",
        ));
    }
    // An endpoint of the file may be enabled here, because the sender may have disabled it.
    let before = if patch.keys().eq(["enabled"]) {
        find(&api, &tenant, &id).await?
    } else {
        changeable(&api, &tenant, &id).await?
    };
    let (rules, now) = (api.rules.borrow().clone(), api.clock.now());
    let over = before.version;
    let (url, handshake) = (before.url.clone(), before.handshake);
    let (headers, shown_before) = (before.headers.clone(), EndpointSpec::to_json(&before));
    let mut after = blocking(move || EndpointSpec::patch(&before, &patch, &rules, now)).await?;
    let moved = after.url != url;
    if after.handshake.is_some() && (moved || handshake.is_none()) {
        let key = new_handshake_key();
        perform_handshake(&api, &after, &key).await?;
        after.secrets = rekeyed(&after.secrets, key, moved, now);
    }
    put(&api, &after, Some(over)).await?;
    let changes = difference(&shown_before, &EndpointSpec::to_json(&after));
    let mut detail = AuditDetail::default().changed(changes);
    // Secret values are masked before and after.
    if after.headers != headers {
        detail = detail.with_secret("header values");
    }
    if moved && !detail.has("url") {
        detail = detail.with_secret("url");
    }
    Ok((Extension(detail), Json(view(&after))))
}

pub async fn delete(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, EndpointId)>,
) -> Result<StatusCode, ApiError> {
    changeable(&api, &tenant, &id).await?;
    if !api
        .tenants
        .delete_endpoint(&tenant, &id, api.clock.now())
        .await?
    {
        return Err(ApiError::not_found("endpoint", id));
    }
    api.registry.reload(&tenant).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    overlap: Option<String>,
    /// The new secret; generated by default.
    secret: Option<String>,
}

/// Sets a new secret. The previous one still signs during the overlap; older ones are removed.
pub async fn rotate(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, EndpointId)>,
    extract::Json(rotation): extract::Json<Rotation>,
) -> Result<impl IntoResponse, ApiError> {
    let overlap = match rotation.overlap.as_deref() {
        None => crate::config::OVERLAP,
        Some(text) => humantime::parse_duration(text).map_err(|_| {
            ApiError::invalid(format!("overlap: `{text}` is not a duration such as `24h`"))
        })?,
    };
    let given = rotation.secret.map(parse_secret).transpose()?;
    let mut endpoint = changeable(&api, &tenant, &id).await?;
    let over = endpoint.version;
    let now = api.clock.now();
    let secret = match endpoint.handshake {
        Some(Handshake::Key) => {
            let secret = given.unwrap_or_else(new_handshake_key);
            perform_handshake(&api, &endpoint, &secret).await?;
            secret
        }
        None => given.unwrap_or_else(crate::config::new_secret),
    };
    endpoint.secrets = rotated(&endpoint.secrets, secret, now.after(overlap));
    endpoint.updated_at = now;
    put(&api, &endpoint, Some(over)).await?;
    let until = now.after(overlap).to_string();
    let detail = AuditDetail::default().with("previous_until", until);
    let detail = detail.with_secret("secret");
    let body = Json(json!({ "secret": newest(&endpoint) }));
    Ok((Extension(detail), body))
}

fn parse_secret(text: String) -> Result<Secret, ApiError> {
    if text.starts_with("whpk_") {
        return Err(ApiError::invalid(
            "secret: a public key (`whpk_`) cannot sign",
        ));
    }
    Secret::new(text).map_err(|error| ApiError::invalid(format!("secret: {error}")))
}

/// Returns the secrets after a handshake of an existing endpoint. The stored secret is never sent: a
/// receiver that learns it could sign requests to another receiver. It is removed if the endpoint has
/// moved to another URL.
fn rekeyed(before: &[Secret], key: Secret, moved: bool, now: Millis) -> Vec<Secret> {
    if moved {
        vec![key]
    } else {
        rotated(before, key, now.after(crate::config::OVERLAP))
    }
}

fn rotated(before: &[Secret], new: Secret, until: Millis) -> Vec<Secret> {
    let previous = before.first().map(|secret| secret.clone().expiring(until));
    std::iter::once(new).chain(previous).collect()
}

/// Returns the JSON form of an endpoint, without its secret.
fn view(endpoint: &Endpoint) -> Value {
    let mut shown = EndpointSpec::to_json(endpoint);
    let moment = |at: Millis| at.to_string();
    let rest = [
        ("id", json!(endpoint.id)),
        ("disabled_reason", json!(endpoint.disabled_reason)),
        (
            "previous_secret_expires_at",
            json!(previous_secret(endpoint).map(moment)),
        ),
        ("failing_since", json!(endpoint.failing_since.map(moment))),
        ("origin", json!(endpoint.origin)),
        ("created_at", json!(moment(endpoint.created_at))),
        ("updated_at", json!(moment(endpoint.updated_at))),
    ];
    shown.extend(rest.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(shown)
}

/// Returns the time until which a replaced secret still signs.
fn previous_secret(endpoint: &Endpoint) -> Option<Millis> {
    let previous = endpoint.secrets.iter().skip(1);
    previous.filter_map(|secret| secret.expires_at).max()
}

fn newest(endpoint: &Endpoint) -> Value {
    endpoint
        .secrets
        .first()
        .map_or(Value::Null, |secret| secret.reveal().into())
}

async fn stored(api: &Api, tenant: &TenantId) -> Result<Vec<Endpoint>, ApiError> {
    let stored = api.tenants.endpoints(tenant).await?;
    stored
        .map(|(_, endpoints)| endpoints)
        .ok_or_else(|| ApiError::not_found("tenant", tenant))
}

async fn find(api: &Api, tenant: &TenantId, id: &EndpointId) -> Result<Endpoint, ApiError> {
    let endpoints = stored(api, tenant).await?;
    let found = endpoints.into_iter().find(|endpoint| endpoint.id == *id);
    found.ok_or_else(|| ApiError::not_found("endpoint", id))
}

/// Finds an endpoint that the API may change. Changes to endpoints of the file would be undone by the
/// next reload.
async fn changeable(api: &Api, tenant: &TenantId, id: &EndpointId) -> Result<Endpoint, ApiError> {
    let endpoint = find(api, tenant, id).await?;
    match endpoint.origin {
        Origin::Api => Ok(endpoint),
        Origin::Config => Err(ApiError::conflict(format!(
            "endpoint `{id}` is declared in the configuration file; change it there"
        ))),
    }
}

async fn put(api: &Api, endpoint: &Endpoint, over: Option<u64>) -> Result<(), ApiError> {
    match api.tenants.put_endpoint(endpoint, over).await {
        // The endpoint was created or changed concurrently.
        Err(error @ StoreError::Conflict { .. }) => Err(ApiError::conflict(error.to_string())),
        other => {
            other?;
            api.registry.reload(&endpoint.tenant).await?;
            // The change may have enabled the endpoint.
            api.dispatch_port.wake();
            Ok(())
        }
    }
}

async fn perform_handshake(
    api: &Api,
    endpoint: &Endpoint,
    secret: &Secret,
) -> Result<(), ApiError> {
    let rules = api.rules.borrow().clone();
    let (policy, timeout) = (&rules.policy, rules.timeout);
    handshake::perform(&api.client, policy, timeout, endpoint.into(), secret)
        .await
        .map_err(|error| {
            problem_details::Problem::new(
                502,
                "handshake-failed",
                "The receiver did not accept the key",
            )
            .detail(format!("{error:#}"))
            .into()
        })
}

/// Runs work that compiles declarations, which may take long.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Vec<Diagnostic>> + Send + 'static,
) -> Result<T, ApiError> {
    let ended = background::run(work).await;
    let ended = ended.map_err(|_| ApiError::invalid("the endpoint cannot be compiled"))?;
    ended.map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        ApiError::invalid(faults.join("; "))
    })
}
