//! Why a request was refused: every error answer there is, with its status and its code.

use problem::Problem;

use crate::{BodyError, KeyError, PlatformError, Scheme};

/// A reason to refuse. The message is the detail of the problem document, except for
/// [`Refusal::Unavailable`], whose message stays in the log.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 404 `not-found`.
    #[error("nothing is served at `{path}`")]
    NotFound {
        /// The path, without the query.
        path: String,
    },
    /// 405 `method-not-allowed`, with an `Allow` header.
    #[error("the method is `{method}`, and here it has to be one of: {allow}")]
    MethodNotAllowed {
        /// The method that was used.
        method: String,
        /// What `Allow` says.
        allow: &'static str,
    },
    /// 413 `body-too-long`, or 400 `body-broken-off`.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// 403 `handshake-token-refused`. Not 401, which would have to name a scheme for the
    /// `Authorization` header (RFC 9110, section 15.5.2), and the token is no part of that.
    #[error("the query parameter `token` is missing or is not the expected one")]
    HandshakeToken,
    /// 400 `broken-json`.
    #[error("the body is no JSON from line {line}, column {column} on")]
    BrokenJson {
        /// Counted from 1.
        line: usize,
        /// In bytes, counted from 1; 0 where the line break itself is at fault.
        column: usize,
    },
    /// 400 `not-a-handshake`. The message does not quote the body: it may hold the key.
    #[error("the body has to be exactly `{{\"keyData\": \"<text>\"}}`")]
    NotAHandshake,
    /// 400 `key-length`.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// 400 `missing-signature`.
    #[error("the request has no header `X-Signature`")]
    MissingSignature,
    /// 400 `unsupported-scheme`.
    #[error("the header `{}` belongs to a scheme that is not verified here", .0.header())]
    UnsupportedScheme(Scheme),
    /// 400 `duplicate-signature`.
    #[error("the header `{}` is there {count} times", .scheme.header())]
    DuplicateSignature {
        /// The scheme whose header it is.
        scheme: Scheme,
        /// How many there are.
        count: usize,
    },
    /// 400 `malformed-signature`.
    #[error("the header `{}` is not 64 hexadecimal digits", .0.header())]
    MalformedSignature(Scheme),
    /// 400 `no-key`. Not 503, which would have a sender try again: the handshake that has to come
    /// first is the sender's own.
    #[error("no handshake has left a key to verify with")]
    NoKey,
    /// 400 `no-match`.
    #[error("the signature is not the one of this body under the key of the last handshake")]
    NoMatch,
    /// 503 `unavailable`.
    #[error(transparent)]
    Unavailable(#[from] PlatformError),
}

impl Refusal {
    /// The status, the stable code and the title.
    fn parts(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::NotFound { .. } => (404, "not-found", "Nothing is served at this path"),
            Self::MethodNotAllowed { .. } => (
                405,
                "method-not-allowed",
                "The path does not take this method",
            ),
            Self::Body(BodyError::TooLong { .. }) => {
                (413, "body-too-long", "The body is longer than allowed")
            }
            Self::Body(BodyError::BrokenOff) => {
                (400, "body-broken-off", "The body did not arrive as a whole")
            }
            Self::HandshakeToken => (
                403,
                "handshake-token-refused",
                "The handshake token is not the expected one",
            ),
            Self::BrokenJson { .. } => (400, "broken-json", "The body is not JSON"),
            Self::NotAHandshake => (400, "not-a-handshake", "The body is no handshake"),
            Self::Key(KeyError::Length { .. }) => {
                (400, "key-length", "The key is too short or too long")
            }
            Self::MissingSignature => (400, "missing-signature", "The signature is missing"),
            Self::UnsupportedScheme(_) => (
                400,
                "unsupported-scheme",
                "The signature is of a scheme that is not verified here",
            ),
            Self::DuplicateSignature { .. } => (
                400,
                "duplicate-signature",
                "There is more than one signature",
            ),
            Self::MalformedSignature(_) => {
                (400, "malformed-signature", "The signature is malformed")
            }
            Self::NoKey => (400, "no-key", "There is no key to verify with"),
            Self::NoMatch => (400, "no-match", "The signature does not match"),
            Self::Unavailable(_) => (503, "unavailable", "The consumer cannot do this right now"),
        }
    }

    /// The document for the client.
    pub fn problem(&self) -> Problem {
        let (status, code, title) = self.parts();
        let problem = Problem::new(status, code, title);
        match self {
            Self::Unavailable(_) => problem,
            _ => problem.detail(self.to_string()),
        }
    }

    /// What the `Allow` header has to say, where the answer needs one.
    pub fn allow(&self) -> Option<&'static str> {
        match self {
            Self::MethodNotAllowed { allow, .. } => Some(allow),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_platform_said_stays_in_the_log() {
        let refusal = Refusal::from(PlatformError {
            doing: "reading the key",
            cause: "disk of host db7 is full".to_owned(),
        });
        assert_eq!(
            refusal.to_string(),
            "reading the key: disk of host db7 is full"
        );
        let document = String::from_utf8(refusal.problem().to_json()).unwrap();
        assert!(!document.contains("db7"), "{document}");
        assert_eq!(refusal.problem().status(), 503);
    }
}
