//! `/v1/keys`: access keys.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webhook_model::{AccessKey, KeyId, Millis, Role, TenantId};
use webhook_store::{KeyAddition, MAX_KEYS};

use super::error::ApiError;
use super::extract::{self, Path};
use super::lifetime;
use super::state::Api;
use crate::audit::AuditDetail;
use crate::keys::{ConfiguredKey, NewKey, check_name, check_tenant, parse_role};

/// The range of the lifetimes of keys.
const LIFETIMES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(3660 * 24 * 60 * 60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    name: Option<String>,
    role: Option<String>,
    tenant: Option<String>,
    expires_in: Option<String>,
}

/// The JSON form of a key, without its text.
#[derive(Serialize)]
struct View<'k> {
    id: &'k KeyId,
    name: &'k str,
    role: Role,
    tenant: Option<&'k TenantId>,
    /// `api` for a key that was created at run time, `config` for one of the file.
    origin: &'static str,
    created_at: Option<String>,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

impl<'k> View<'k> {
    fn of_stored(key: &'k AccessKey) -> Self {
        Self {
            id: &key.id,
            name: &key.name,
            role: key.role,
            tenant: key.tenant.as_ref(),
            origin: "api",
            created_at: Some(key.created_at.to_string()),
            expires_at: key.expires_at.map(|at| at.to_string()),
            last_used_at: None,
        }
    }

    fn of_configured(key: &'k ConfiguredKey) -> Self {
        Self {
            id: &key.id,
            name: &key.name,
            role: key.role,
            tenant: key.tenant.as_ref(),
            origin: "config",
            created_at: None,
            expires_at: None,
            last_used_at: None,
        }
    }

    fn used(self, uses: &HashMap<KeyId, Millis>) -> Self {
        let last = uses.get(self.id).map(|at| at.to_string());
        Self {
            last_used_at: last,
            ..self
        }
    }
}

/// Lists all keys: those of the file, and those of the store.
pub async fn list(State(api): State<Api>) -> Result<Json<Value>, ApiError> {
    let (stored, uses) = api.keyring.list().await?;
    let uses: HashMap<_, _> = uses.into_iter().collect();
    let configured = api.keyring.configured();
    let items = configured.iter().map(View::of_configured);
    let items = items.chain(stored.iter().map(View::of_stored));
    let items: Vec<_> = items.map(|view| view.used(&uses)).collect();
    Ok(Json(json!({ "items": items, "next_cursor": null })))
}

/// Creates a key. Only this response contains its text.
pub async fn create(
    State(api): State<Api>,
    extract::Json(request): extract::Json<KeyRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let new = declared(&api, request).await?;
    let name = new.name.clone();
    let (key, text) = match api.keyring.create(new).await? {
        Ok(created) => created,
        Err(KeyAddition::TooMany) => {
            let title = "There are too many keys";
            let problem = problem_details::Problem::new(409, "too-many-keys", title);
            let detail = format!("at most {MAX_KEYS} keys can be created; delete unused ones");
            return Err(problem.detail(detail).into());
        }
        Err(_) => {
            return Err(ApiError::conflict(format!("key `{name}` already exists")));
        }
    };
    let detail = AuditDetail::of(&key.id)
        .with("name", key.name.as_str())
        .with("role", key.role.name())
        .with("tenant", key.tenant.as_ref().map(TenantId::as_str))
        .with("expires_at", key.expires_at.map(|at| at.to_string()))
        .with_secret("key");
    let mut shown = json!(View::of_stored(&key));
    shown["key"] = text.reveal().into();
    Ok((StatusCode::CREATED, Extension(detail), Json(shown)))
}

async fn declared(api: &Api, request: KeyRequest) -> Result<NewKey, ApiError> {
    let required = |name: &str| ApiError::invalid(format!("`{name}` is missing"));
    let name = request.name.ok_or_else(|| required("name"))?;
    check_name(&name).map_err(|fault| ApiError::invalid(format!("name: {fault}")))?;
    let role = request.role.ok_or_else(|| required("role"))?;
    let role = parse_role(&role).map_err(ApiError::invalid)?;
    let tenant = request.tenant.as_deref().map(TenantId::parse).transpose()?;
    check_tenant(role, tenant.is_some()).map_err(ApiError::invalid)?;
    if let Some(tenant) = &tenant {
        api.require(tenant).await?;
    }
    let lifetime = lifetime::within(LIFETIMES, request.expires_in.as_deref())?;
    Ok(NewKey {
        name,
        role,
        tenant,
        lifetime,
    })
}

/// Revokes a key: it and its sessions end at once in this process, and within a second in others.
pub async fn delete(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let missing = || ApiError::not_found("key", &id);
    let key = KeyId::parse(&id).map_err(|_| missing())?;
    if api.keyring.configured().iter().any(|one| one.id == key) {
        return Err(ApiError::conflict(format!(
            "key `{id}` is declared in the configuration file; remove it there"
        )));
    }
    let deleted = api.keyring.revoke(&key).await?.ok_or_else(missing)?;
    let detail = AuditDetail::of(&key).with("name", deleted.name);
    Ok((StatusCode::NO_CONTENT, Extension(detail)))
}
