//! Why a request was refused: every error answer there is, with its status and its code.

use problem_details::Problem;

use crate::{Answer, BodyError, PlatformError, SettingsError, Unverified, limits, seen};

/// A reason to refuse. The message is the detail of the problem document, except where it stays
/// in the log ([`Refusal::Unavailable`] and the two after it).
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 413 `body-too-long`, 400 `body-broken-off` or 408 `body-too-slow`.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// 403 `handshake-token-refused`. Not 401, which would have to name a scheme for the
    /// `Authorization` header (RFC 9110, section 15.5.2), and the token is no part of that.
    #[error("the query parameter `token` is missing or is not the expected one")]
    HandshakeToken,
    /// 403 `handshake-token-unset`, unless the receiver takes handshakes of anybody.
    #[error("handshakes are refused while the variable `handshake_token` is empty")]
    NoHandshakeToken,
    /// 400 `broken-json`.
    #[error("the body is no JSON from line {line}, column {column} on")]
    BrokenJson {
        /// Counted from 1.
        line: usize,
        /// In bytes, counted from 1; 0 where the line break itself is at fault.
        column: usize,
    },
    /// 400 `not-a-handshake`. The message does not quote the body: it may hold the key.
    #[error("the body has to be `{{\"keyData\": \"<text>\"}}`")]
    NotAHandshake,
    /// 400 `key-length`.
    #[error(
        "`keyData` has {bytes} bytes, and a key has {min} to {max}",
        min = limits::KEY_MIN_BYTES,
        max = limits::KEY_MAX_BYTES
    )]
    KeyLength {
        /// How many bytes it has.
        bytes: usize,
    },
    /// 400 `bad-key`: it has a prefix that promises a form, and not that form.
    #[error("`keyData` is no key: {0}")]
    BadKey(String),
    /// 400, with the code of the signature's refusal: `missing-header`, `malformed-header`,
    /// `unknown-scheme`, `too-old`, `too-new` or `no-match`.
    #[error("{reason}")]
    Signature {
        /// The code.
        code: &'static str,
        /// What is wrong with the signature.
        reason: String,
    },
    /// 400 `no-key`. Not 503, which would have a sender try again: the handshake that has to come
    /// first is the sender's own.
    #[error("no handshake has left a key to verify with")]
    NoKey,
    /// 409 `in-progress`, with `Retry-After`: another request with this id is being processed. A
    /// sender that tries again later learns what became of it.
    #[error("another request with this `webhook-id` is being processed")]
    InProgress,
    /// 409 `handshake-in-progress`, with `Retry-After`: two handshakes came at once.
    #[error("another handshake is being taken")]
    HandshakeInProgress,
    /// 503 `unavailable`.
    #[error(transparent)]
    Unavailable(#[from] PlatformError),
    /// 503 `unavailable`: the app is not configured as it has to be.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// 503 `unavailable`: the stored key is none.
    #[error("the stored key is none: {0}")]
    StoredKey(String),
}

impl From<Unverified> for Refusal {
    fn from(unverified: Unverified) -> Self {
        match unverified {
            Unverified::BadKey(reason) => Self::StoredKey(reason),
            Unverified::Refused { code, reason } => Self::Signature { code, reason },
        }
    }
}

impl Refusal {
    /// The status, the stable code and the title.
    fn parts(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Body(BodyError::TooLong { .. }) => {
                (413, "body-too-long", "The body is longer than allowed")
            }
            Self::Body(BodyError::BrokenOff) => {
                (400, "body-broken-off", "The body did not arrive as a whole")
            }
            Self::Body(BodyError::TooSlow { .. }) => {
                (408, "body-too-slow", "The body took too long to arrive")
            }
            Self::HandshakeToken => (
                403,
                "handshake-token-refused",
                "The handshake token is not the expected one",
            ),
            Self::NoHandshakeToken => (403, "handshake-token-unset", "Handshakes are not taken"),
            Self::BrokenJson { .. } => (400, "broken-json", "The body is not JSON"),
            Self::NotAHandshake => (400, "not-a-handshake", "The body is no handshake"),
            Self::KeyLength { .. } => (400, "key-length", "The key is too short or too long"),
            Self::BadKey(_) => (400, "bad-key", "The key is not of the form it claims"),
            Self::Signature { code, .. } => (400, code, signature_title(code)),
            Self::NoKey => (400, "no-key", "There is no key to verify with"),
            Self::InProgress => (409, "in-progress", "The event is being processed"),
            Self::HandshakeInProgress => (
                409,
                "handshake-in-progress",
                "Another handshake is being taken",
            ),
            Self::Unavailable(_) | Self::Settings(_) | Self::StoredKey(_) => {
                (503, "unavailable", "The receiver cannot do this right now")
            }
        }
    }

    /// The document for the client.
    pub fn problem(&self) -> Problem {
        let (status, code, title) = self.parts();
        let problem = Problem::new(status, code, title);
        match self {
            Self::Unavailable(_) | Self::Settings(_) | Self::StoredKey(_) => problem,
            _ => problem.detail(self.to_string()),
        }
    }

    /// The answer for the client: the document, and the headers that go with it.
    pub fn answer(&self) -> Answer {
        let answer = Answer::problem(&self.problem());
        match self {
            Self::InProgress | Self::HandshakeInProgress => {
                answer.header("retry-after", &seen::RETRY_AFTER.to_string())
            }
            _ => answer,
        }
    }
}

fn signature_title(code: &str) -> &'static str {
    match code {
        "missing-header" => "A signature header is missing",
        "malformed-header" => "A signature header is malformed",
        "unknown-scheme" => "The signature is of an unknown kind",
        "too-old" => "The signature is too old",
        "too-new" => "The signature is dated in the future",
        _ => "The signature does not match",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_platform_said_stays_in_the_log() {
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
