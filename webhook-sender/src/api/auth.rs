//! Access to the API. With a configured token: clients that send it. Without one: programs on this
//! machine, but no page in a browser (see [`browser`](super::browser)).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use problem_details::Problem;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::error::ApiError;
use super::server::Peer;
use super::throttle::{Throttle, Verdict};
use crate::metrics::{Metrics, Refusal};

/// The result of comparing the token of a request.
enum TokenCheck {
    Missing,
    Valid,
    Invalid,
}

/// The digest of a token, so that the time of a comparison does not depend on the length of the text
/// that a client sends.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    fn is(&self, digest: &[u8; 32]) -> bool {
        digest.ct_eq(&self.0[..]).into()
    }
}

/// The tokens that grant access to the API.
#[derive(Clone)]
pub struct Access {
    /// Grants access to everything. Without one, everything is open, on loopback only.
    pub token: Option<Token>,
    /// Grants access to `/metrics` only.
    pub metrics_token: Option<Token>,
    pub metrics: Arc<Metrics>,
    wrong: Arc<Throttle>,
}

impl Access {
    pub fn new(token: Option<Token>, metrics_token: Option<Token>, metrics: Arc<Metrics>) -> Self {
        Self {
            token,
            metrics_token,
            metrics,
            wrong: Arc::default(),
        }
    }

    /// Returns `true` if no token is configured.
    pub fn is_open(&self) -> bool {
        self.token.is_none()
    }

    /// Checks that a request carries one of `tokens`. Accepts every request if `tokens` is empty.
    fn check<'a>(
        &self,
        request: &Request,
        tokens: impl Iterator<Item = &'a Token> + Clone,
    ) -> Result<(), ApiError> {
        match check_token(request, tokens) {
            TokenCheck::Valid => Ok(()),
            TokenCheck::Missing => {
                self.metrics.refused(Refusal::NoToken);
                Err(unauthorized())
            }
            TokenCheck::Invalid => Err(self.wrong_token(request)),
        }
    }

    fn wrong_token(&self, request: &Request) -> ApiError {
        self.metrics.refused(Refusal::WrongToken);
        let now = Instant::now();
        let peer = request.extensions().get::<Peer>().copied();
        let peer = peer.unwrap_or_else(|| Peer::of(std::net::Ipv4Addr::UNSPECIFIED.into()));
        if let Some(attempts) = self.wrong.attempts_to_log(now) {
            tracing::warn!(%peer, attempts, "api called with a wrong token");
        }
        match self.wrong.note(peer, now) {
            Verdict::Tolerated => unauthorized(),
            Verdict::Throttled(wait) => too_many(wait),
        }
    }
}

fn check_token<'a>(
    request: &Request,
    tokens: impl Iterator<Item = &'a Token> + Clone,
) -> TokenCheck {
    if tokens.clone().next().is_none() {
        return TokenCheck::Valid;
    }
    let Some(value) = request.headers().get(AUTHORIZATION) else {
        return TokenCheck::Missing;
    };
    let Some(text) = bearer(value.as_bytes()) else {
        return TokenCheck::Invalid;
    };
    let digest: [u8; 32] = Sha256::digest(text).into();
    // All tokens are compared, so that the time does not depend on which one matches.
    let known = tokens.fold(false, |known, one| one.is(&digest) | known);
    if known {
        TokenCheck::Valid
    } else {
        TokenCheck::Invalid
    }
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

/// Accepts requests that carry the token.
pub async fn check(
    State(access): State<Access>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    access.check(&request, access.token.iter())?;
    Ok(next.run(request).await)
}

/// Accepts requests that carry the token, or the one for metrics.
pub async fn check_metrics(
    State(access): State<Access>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    access.check(&request, access.token.iter().chain(&access.metrics_token))?;
    Ok(next.run(request).await)
}
