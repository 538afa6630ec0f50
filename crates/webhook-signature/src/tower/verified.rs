//! The signed properties of a request, for the handler.

use alloc::string::String;

use crate::Scheme;

/// The signed properties of a request, besides its body. The layer adds it to the request's
/// extensions.
///
/// It is an owned [`crate::Verified`]. A handler that extracts it cannot be reached without the
/// layer: axum then responds with 500.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The scheme that was verified.
    pub scheme: Scheme,
    /// The event's id, which only `standard` signs.
    pub id: Option<String>,
    /// The time of signing, in Unix seconds. `plain` does not sign it.
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
