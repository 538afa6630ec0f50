//! `/v1/tenants/{tenant}/portal-sessions`: links to a tenant's own pages.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::json;
use webhook_model::{AccessSession, KeyId, Role, SessionId, TenantId};
use webhook_store::{MAX_PORTAL_SESSIONS, Page};

use super::error::ApiError;
use super::extract::{OptionalJson, Path, Query};
use super::lifetime;
use super::paging::{PageParameters, limit};
use super::state::Api;
use crate::audit::AuditDetail;
use crate::keys::{Principal, parse_role};

/// The lifetime of a portal session by default.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

const LIFETIMES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(7 * 24 * 60 * 60);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    role: Option<String>,
    expires_in: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewalRequest {
    expires_in: Option<String>,
}

/// The JSON form of a session, without its token.
#[derive(Serialize)]
pub struct View {
    id: SessionId,
    role: Option<Role>,
    /// The key that opened it.
    key: KeyId,
    key_name: String,
    created_at: String,
    expires_at: String,
}

impl From<AccessSession> for View {
    fn from(session: AccessSession) -> Self {
        Self {
            id: session.id,
            role: session.portal.map(|portal| portal.role),
            key: session.key,
            key_name: session.key_name,
            created_at: session.created_at.to_string(),
            expires_at: session.expires_at.to_string(),
        }
    }
}

/// Opens a session. Only this response contains its link.
pub async fn open(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(tenant): Path<TenantId>,
    headers: HeaderMap,
    OptionalJson(request): OptionalJson<SessionRequest>,
) -> Result<impl IntoResponse, ApiError> {
    api.require(&tenant).await?;
    let request = request.unwrap_or_default();
    let role = request.role.as_deref().map(portal_role).transpose()?;
    let role = role.unwrap_or(Role::Viewer);
    let lifetime = lifetime::within(LIFETIMES, request.expires_in.as_deref())?;
    let lifetime = lifetime.unwrap_or(LIFETIME);
    let opened = api.keyring.open_portal(&principal, &tenant, role, lifetime);
    let opened = opened.await?.ok_or_else(|| too_many(&tenant))?;
    let url = link(&api, &headers, opened.token.reveal());
    let detail = AuditDetail::of(&opened.id)
        .with("role", role.name())
        .with("expires_at", opened.expires_at.to_string());
    let body = json!({
        "id": opened.id,
        "url": url,
        "role": role,
        "expires_at": opened.expires_at.to_string(),
    });
    Ok((StatusCode::CREATED, Extension(detail), Json(body)))
}

/// Lists the sessions of a tenant.
pub async fn list(
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
    Query(parameters): Query<PageParameters>,
) -> Result<Json<Page<View>>, ApiError> {
    api.require(&tenant).await?;
    let limit = limit(parameters.limit)?;
    let cursor = parameters.cursor.as_ref();
    let page = api.keyring.portal_sessions(&tenant, cursor, limit).await?;
    Ok(Json(page.map(Into::into)))
}

/// Moves the end of a session. Its link stays the same.
pub async fn renew(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, String)>,
    OptionalJson(renewal): OptionalJson<RenewalRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let session = session_id(&id)?;
    let request = renewal.unwrap_or_default();
    let lifetime = lifetime::within(LIFETIMES, request.expires_in.as_deref())?;
    let lifetime = lifetime.unwrap_or(LIFETIME);
    let renewed = api
        .keyring
        .renew_portal(&tenant, &session, lifetime)
        .await?;
    let renewed = renewed.ok_or_else(|| missing(&id))?;
    let ends = renewed.expires_at.to_string();
    let detail = AuditDetail::default().with("expires_at", ends);
    Ok((Extension(detail), Json(View::from(renewed))))
}

/// Ends a session.
pub async fn revoke(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, String)>,
) -> Result<StatusCode, ApiError> {
    let session = session_id(&id)?;
    let revoked = api.keyring.revoke_portal(&tenant, &session).await?;
    revoked
        .map(|_| StatusCode::NO_CONTENT)
        .ok_or_else(|| missing(&id))
}

fn portal_role(name: &str) -> Result<Role, ApiError> {
    match parse_role(name).map_err(ApiError::invalid)? {
        role @ (Role::Viewer | Role::Operator) => Ok(role),
        Role::Admin | Role::Publisher => Err(ApiError::invalid(format!(
            "role `{name}` is none of viewer, operator"
        ))),
    }
}

/// Returns the link to a portal: under the configured address of the pages, or else under the host that
/// the request names.
fn link(api: &Api, headers: &HeaderMap, token: &str) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let base = match (&api.pages_url, host) {
        (Some(url), _) => url.trim_end_matches('/').to_owned(),
        (None, Some(host)) => format!("http://{host}"),
        (None, None) => String::new(),
    };
    format!("{base}/ui/portal?token={token}")
}

fn session_id(id: &str) -> Result<SessionId, ApiError> {
    SessionId::parse(id).map_err(|_| missing(id))
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found("portal session", id)
}

fn too_many(tenant: &TenantId) -> ApiError {
    let title = "The tenant has too many portal sessions";
    let detail = format!(
        "tenant `{tenant}` has {MAX_PORTAL_SESSIONS} sessions; renew or revoke them instead"
    );
    problem_details::Problem::new(409, "too-many-portal-sessions", title)
        .detail(detail)
        .into()
}
