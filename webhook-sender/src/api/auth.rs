//! Access to the API and the pages, by key or by session. Without a configured key: for programs on this
//! machine, but for no page in a browser (see [`browser`](super::browser)).

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Extensions;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use problem_details::Problem;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use webhook_model::AuditOutcome;

use super::error::ApiError;
use super::permit::permit;
use super::server::Peer;
use super::throttle::{Throttle, ThrottleResult};
use crate::audit::{AuditDetail, AuditLog, Author};
use crate::keys::{Keyring, Permission, Principal, SignedIn};
use crate::metrics::{Metrics, Refusal};

/// The digest of a token, so that the time of a comparison does not depend on the length of the text
/// that a client sends.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    fn is(&self, text: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(text).into();
        digest.ct_eq(&self.0[..]).into()
    }
}

/// The keys and tokens that grant access. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    keyring: Arc<Keyring>,
    audit: AuditLog,
    /// Grants access to `/metrics` only.
    metrics_token: Option<Token>,
    metrics: Arc<Metrics>,
    wrong: Arc<Throttle>,
}

impl Access {
    pub fn new(
        keyring: Arc<Keyring>,
        audit: AuditLog,
        metrics_token: Option<Token>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            keyring,
            audit,
            metrics_token,
            metrics,
            wrong: Arc::default(),
        }
    }

    /// Returns true if no key is configured: every request is that of [`Principal::local`].
    pub fn is_open(&self) -> bool {
        self.keyring.is_open()
    }

    /// Returns the principal of a request that carries a key.
    async fn principal(&self, request: &Parts) -> Result<Principal, ApiError> {
        if self.is_open() {
            return Ok(Principal::local());
        }
        let found = match sent(request) {
            Some(text) => self.keyring.principal(text).await?,
            None => None,
        };
        found.ok_or_else(|| self.refuse(request))
    }

    /// Returns the principal of a key that a client sends in a form.
    ///
    /// # Errors
    ///
    /// 401 for a wrong key, 429 for too many of them, 503 if the store does not respond.
    pub async fn verify(&self, peer: Peer, key: &str) -> Result<Principal, ApiError> {
        let found = self.keyring.principal(key.trim().as_bytes()).await?;
        found.ok_or_else(|| self.wrong_token(peer))
    }

    /// Opens a session of the pages for a client that sends the text of a key.
    ///
    /// # Errors
    ///
    /// 401 for a wrong key, 429 for too many of them, 503 if the store does not respond.
    pub async fn sign_in(&self, peer: Peer, key: &str) -> Result<SignedIn, ApiError> {
        let principal = self.verify(peer, key).await?;
        let author = Author::of_request(&principal, peer);
        let tenant = principal.tenant.clone();
        let begun = self.audit.begin(&author, "session.create", tenant, None);
        let begun = begun.await?;
        let opened = self.keyring.open_session(principal).await?;
        let session = opened.principal.session.as_ref();
        let detail = session.map(AuditDetail::of).unwrap_or_default();
        self.audit.end(begun, AuditOutcome::Done, detail).await;
        Ok(opened)
    }

    /// Returns the principal of a session of the pages or of a portal.
    ///
    /// # Errors
    ///
    /// 401 if the session has ended or never existed, 429 for too many such tokens, 503 if the store does
    /// not respond.
    pub async fn session(&self, peer: Peer, token: &str) -> Result<Principal, ApiError> {
        let found = self.keyring.session(token).await?;
        found.ok_or_else(|| self.wrong_token(peer))
    }

    /// Ends a session. One that has ended already is no error.
    ///
    /// # Errors
    ///
    /// 503 if the store does not respond.
    pub async fn sign_out(&self, peer: Peer, token: &str) -> Result<(), ApiError> {
        let Some(principal) = self.keyring.session(token).await? else {
            return Ok(());
        };
        let author = Author::of_request(&principal, peer);
        let target = principal.session.as_ref().map(ToString::to_string);
        let tenant = principal.tenant.clone();
        let begun = self.audit.begin(&author, "session.delete", tenant, target);
        let begun = begun.await?;
        self.keyring.end_session(token).await?;
        let detail = AuditDetail::default();
        self.audit.end(begun, AuditOutcome::Done, detail).await;
        Ok(())
    }

    /// Returns the error of a request without a valid key.
    fn refuse(&self, request: &Parts) -> ApiError {
        if request.headers.contains_key(AUTHORIZATION) {
            return self.wrong_token(peer_of(&request.extensions));
        }
        self.metrics.refused(Refusal::NoToken);
        unauthorized()
    }

    fn wrong_token(&self, peer: Peer) -> ApiError {
        self.metrics.refused(Refusal::WrongToken);
        let now = Instant::now();
        if let Some(attempts) = self.wrong.attempts_to_log(now) {
            tracing::warn!(%peer, attempts, "api called with a wrong token");
        }
        match self.wrong.note(peer, now) {
            ThrottleResult::Tolerated => unauthorized(),
            ThrottleResult::Throttled(wait) => too_many(wait),
        }
    }
}

/// Returns the address of the client of a request, from its extensions.
pub fn peer_of(extensions: &Extensions) -> Peer {
    let peer = extensions.get::<Peer>().copied();
    peer.unwrap_or_else(|| Peer::of(Ipv4Addr::UNSPECIFIED.into()))
}

/// Returns the key that a request carries.
fn sent(request: &Parts) -> Option<&[u8]> {
    let value = request.headers.get(AUTHORIZATION)?;
    bearer(value.as_bytes())
}

/// Returns the token after `Bearer `, which is case-insensitive (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then(|| token.trim_ascii())
}

fn unauthorized() -> ApiError {
    Problem::new(401, "unauthorized", "The token is missing or wrong").into()
}

fn too_many(wait: Duration) -> ApiError {
    let problem = Problem::new(429, "too-many-wrong-tokens", "Too many wrong tokens");
    ApiError::from(problem).retry_after(wait).closing()
}

/// Accepts requests that carry a key, and adds its principal to their extensions. A request of the pages,
/// which call the API within the process, has its principal already: no client can add an extension.
pub async fn check(
    State(access): State<Access>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if request.extensions().get::<Principal>().is_some() {
        return Ok(next.run(request).await);
    }
    let (mut request, body) = request.into_parts();
    let principal = access.principal(&request).await?;
    request.extensions.insert(principal);
    Ok(next.run(Request::from_parts(request, body)).await)
}

/// Accepts requests that carry an administrator's key, or the token for metrics.
pub async fn check_metrics(
    State(access): State<Access>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (request, body) = request.into_parts();
    let own = access.metrics_token.as_ref();
    let is_own = sent(&request).is_some_and(|text| own.is_some_and(|token| token.is(text)));
    if !is_own {
        if own.is_some() && access.is_open() {
            return Err(access.refuse(&request));
        }
        let principal = access.principal(&request).await?;
        permit(&principal, Permission::Administer, None)?;
    }
    Ok(next.run(Request::from_parts(request, body)).await)
}
