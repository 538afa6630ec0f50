//! Checks the permission of each request, and writes the audit list.

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use webhook_model::{AuditOutcome, Clock, TenantId};

use super::auth::peer_of;
use super::error::{ApiError, Code};
use super::permit::permit;
use crate::audit::{AuditDetail, AuditLog, Author};
use crate::feed::{Feed, Happening};
use crate::keys::{Permission, Principal};

/// The rule of a route.
#[derive(Clone)]
pub struct Guard {
    pub permission: Permission,
    /// The name of the change in the audit list; `None` for routes that change no state.
    pub action: Option<&'static str>,
    pub audit: AuditLog,
    pub feed: Feed,
    pub clock: Clock,
}

/// Lets requests through that their key permits. A change is entered in the audit list before it is
/// made.
pub async fn check(
    State(guard): State<Guard>,
    Extension(principal): Extension<Principal>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let params = params.map_err(|error| ApiError::bad_request("bad-path", error.body_text()))?;
    let named = params.iter().find(|(name, _)| *name == "tenant");
    let tenant = named.map(|(_, tenant)| tenant);
    permit(&principal, guard.permission, tenant)?;
    let Some(action) = guard.action else {
        return Ok(next.run(request).await);
    };
    let request = without_selection(request).await?;
    let author = Author::of_request(&principal, peer_of(request.extensions()));
    let tenant = tenant.and_then(|tenant| TenantId::parse(tenant).ok());
    let tenant = tenant.or_else(|| principal.tenant.clone());
    let target = params.iter().filter(|(name, _)| *name != "tenant").last();
    let target = target.map(|(_, target)| shortened(target));
    let subject = tenant.clone().zip(Some(target.clone()));
    let begun = guard.audit.begin(&author, action, tenant, target).await?;
    let mut response = next.run(request).await;
    let detail = response.extensions_mut().remove::<AuditDetail>();
    let detail = detail.unwrap_or_default();
    let outcome = outcome(&response);
    if let (AuditOutcome::Done, Some((tenant, target))) = (&outcome, subject) {
        let target = target.or_else(|| detail.target.clone());
        let happening = || Happening::Changed { action, target };
        guard.feed.publish(&tenant, guard.clock.now(), happening);
    }
    guard.audit.end(begun, outcome, detail).await;
    Ok(response)
}

/// Rejects a change with a query, and a deletion with a body. They would be ignored, and the change would be
/// larger than a client means that selects a part there, or asks for a dry run.
async fn without_selection(request: Request) -> Result<Request, ApiError> {
    if request.uri().query().is_some_and(|query| !query.is_empty()) {
        let detail = "a change takes no query, which would be ignored";
        return Err(ApiError::bad_request("bad-query", detail));
    }
    if request.method() != Method::DELETE {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    // A body in chunks may be empty.
    if to_bytes(body, 0).await.is_err() {
        let detail = "a deletion takes no body, which would be ignored";
        return Err(ApiError::bad_request("bad-body", detail));
    }
    Ok(Request::from_parts(parts, Body::empty()))
}

fn outcome(response: &Response) -> AuditOutcome {
    let status = response.status();
    if status.is_success() {
        return AuditOutcome::Done;
    }
    let code = response.extensions().get::<Code>();
    let code = code.map_or_else(|| status.as_str().to_owned(), |code| code.0.to_owned());
    match status {
        // The change may have been made in part.
        StatusCode::SERVICE_UNAVAILABLE => AuditOutcome::Unknown,
        _ => AuditOutcome::Failed(code),
    }
}

/// Returns the start of an id, which may be any text.
fn shortened(text: &str) -> String {
    text.chars().take(256).collect()
}
