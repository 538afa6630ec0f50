//! Who may call: with a token set, those who know it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use problem::Problem;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::ApiError;

/// The digest of the token that callers must know, so that comparing takes the same time whatever
/// the length of what they send; `None` lets everybody in.
#[derive(Clone)]
pub struct Token(Option<Arc<[u8; 32]>>);

impl Token {
    /// The token of this text.
    pub fn new(text: Option<&str>) -> Self {
        Self(text.map(|text| Arc::new(Sha256::digest(text).into())))
    }

    fn accepts(&self, request: &Request) -> bool {
        let Some(expected) = &self.0 else { return true };
        let given = request.headers().get(AUTHORIZATION);
        given
            .and_then(|given| bearer(given.as_bytes()))
            .is_some_and(|given| {
                let given: [u8; 32] = Sha256::digest(given).into();
                given.ct_eq(&expected[..]).into()
            })
    }
}

/// The token behind `Bearer `, whose letters may be of either case (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then(|| token.trim_ascii())
}

/// Lets a request through that carries the token.
pub async fn check(
    State(token): State<Token>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    match token.accepts(&request) {
        true => Ok(next.run(request).await),
        false => Err(Problem::new(401, "unauthorized", "The token is missing or wrong").into()),
    }
}
