//! What a handler is told of the request it gets.

use alloc::string::String;

use crate::Scheme;

/// What the signature of a request vouches for, besides its body. The layer puts it among the
/// request's extensions.
///
/// It is [`crate::Verified`] on its own feet. A handler that asks for it is never reached around
/// the layer: without it axum answers 500.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The scheme that decided.
    pub scheme: Scheme,
    /// The event's id, which only `standard` signs.
    pub id: Option<String>,
    /// When the request was signed, in Unix seconds. `plain` does not sign it.
    pub at: Option<i64>,
}

impl From<crate::Verified<'_>> for Verified {
    fn from(verified: crate::Verified<'_>) -> Self {
        Self {
            scheme: verified.scheme,
            id: verified.id.map(String::from),
            at: verified.at,
        }
    }
}
