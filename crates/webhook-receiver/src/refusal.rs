//! The reasons for refusing a request: every error response, with its status and code.

use problem_details::Problem;

use crate::{BodyError, PlatformError, Response, SettingsError, VerifyError, dedup, limits};

/// A reason to refuse. The message is the detail of the problem document, except if it is only
/// logged ([`Refusal::Unavailable`] and the two after it).
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 413 `body-too-long`, 400 `body-broken-off` or 408 `body-too-slow`.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// 403 `handshake-token-refused`. Not 401, which would require an authentication scheme (RFC
    /// 9110, section 15.5.2): the token is not part of the `Authorization` header.
    #[error("the query parameter `token` is missing or is not the expected one")]
    HandshakeToken,
    /// 403 `handshake-token-unset`, unless the receiver accepts handshakes from any caller.
    #[error("handshakes are refused while the variable `handshake_token` is empty")]
    NoHandshakeToken,
    /// 400 `broken-json`.
    #[error("the body is not valid JSON: line {line}, column {column}")]
    BrokenJson {
        /// The line, counted from 1.
        line: usize,
        /// The column in bytes, counted from 1; 0 if the line break itself is at fault.
        column: usize,
    },
    /// 400 `not-a-handshake`. The message does not quote the body, which may contain the key.
    #[error("the body must be `{{\"keyData\": \"<text>\"}}`")]
    NotAHandshake,
    /// 400 `key-length`.
    #[error(
        "`keyData` has {bytes} bytes; a key has {min} to {max}",
        min = limits::KEY_MIN_BYTES,
        max = limits::KEY_MAX_BYTES
    )]
    KeyLength {
        /// The number of bytes.
        bytes: usize,
    },
    /// 400 `bad-key`: the text behind the key's prefix is invalid.
    #[error("`keyData` is not a valid key: {0}")]
    BadKey(String),
    /// 400, with the code of the signature's refusal: `missing-header`, `malformed-header`,
    /// `unknown-scheme`, `too-old`, `too-new` or `no-match`.
    #[error("{reason}")]
    Signature {
        /// The code.
        code: &'static str,
        /// The reason, in words.
        reason: String,
    },
    /// 400 `no-key`. Not 503, which would make a sender retry: the sender itself has to send the
    /// handshake first.
    #[error("no key is stored: a handshake has to come first")]
    NoKey,
    /// 409 `in-progress`, with `Retry-After`: another request with this id is being processed. A
    /// later attempt finds its outcome.
    #[error("another request with this `webhook-id` is being processed")]
    InProgress,
    /// 409 `handshake-in-progress`, with `Retry-After`: two handshakes are concurrent.
    #[error("another handshake is in progress")]
    HandshakeInProgress,
    /// 503 `unavailable`.
    #[error(transparent)]
    Unavailable(#[from] PlatformError),
    /// 503 `unavailable`: the app is misconfigured.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// 503 `unavailable`: the stored key is invalid.
    #[error("the stored key is invalid: {0}")]
    StoredKey(String),
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::BadKey(reason) => Self::StoredKey(reason),
            VerifyError::Refused { code, reason } => Self::Signature { code, reason },
        }
    }
}

impl Refusal {
    /// Returns the status, the stable code and the title.
    fn parts(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Body(BodyError::TooLong { .. }) => (413, "body-too-long", "The body is too long"),
            Self::Body(BodyError::BrokenOff) => (400, "body-broken-off", "The body is incomplete"),
            Self::Body(BodyError::TooSlow { .. }) => {
                (408, "body-too-slow", "The body took too long to arrive")
            }
            Self::HandshakeToken => (
                403,
                "handshake-token-refused",
                "The handshake token is wrong",
            ),
            Self::NoHandshakeToken => (403, "handshake-token-unset", "Handshakes are disabled"),
            Self::BrokenJson { .. } => (400, "broken-json", "The body is not JSON"),
            Self::NotAHandshake => (400, "not-a-handshake", "The body is not a handshake"),
            Self::KeyLength { .. } => (400, "key-length", "The key is too short or too long"),
            Self::BadKey(_) => (400, "bad-key", "The key is malformed"),
            Self::Signature { code, .. } => (400, code, signature_title(code)),
            Self::NoKey => (400, "no-key", "No key is stored"),
            Self::InProgress => (409, "in-progress", "The event is being processed"),
            Self::HandshakeInProgress => (
                409,
                "handshake-in-progress",
                "Another handshake is in progress",
            ),
            Self::Unavailable(_) | Self::Settings(_) | Self::StoredKey(_) => {
                (503, "unavailable", "The receiver is unavailable")
            }
        }
    }

    /// Returns the document for the client.
    pub fn problem(&self) -> Problem {
        let (status, code, title) = self.parts();
        let problem = Problem::new(status, code, title);
        match self {
            Self::Unavailable(_) | Self::Settings(_) | Self::StoredKey(_) => problem,
            _ => problem.detail(self.to_string()),
        }
    }

    /// Returns the response for the client: the document and its headers.
    pub fn response(&self) -> Response {
        let response = Response::problem(&self.problem());
        match self {
            Self::InProgress | Self::HandshakeInProgress => {
                response.header("retry-after", &dedup::RETRY_AFTER.to_string())
            }
            _ => response,
        }
    }
}

fn signature_title(code: &str) -> &'static str {
    match code {
        "missing-header" => "A signature header is missing",
        "malformed-header" => "A signature header is malformed",
        "unknown-scheme" => "The signature is of an unknown scheme",
        "too-old" => "The signature is too old",
        "too-new" => "The signature is dated in the future",
        _ => "The signature does not match",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_platform_stay_in_the_log() {
        let cause = "disk of host db7 is full".to_owned();
        let doing = "reading the key";
        for refusal in [
            Refusal::from(PlatformError { doing, cause }),
            Refusal::StoredKey("host db7".to_owned()),
        ] {
            assert!(refusal.to_string().contains("db7"));
            let document = String::from_utf8(refusal.problem().to_json()).unwrap();
            assert!(!document.contains("db7"), "{document}");
            assert_eq!(refusal.problem().status(), 503);
        }
    }
}
