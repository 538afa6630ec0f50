//! What judges differ in.

use webhook_signature::Scheme;

/// A scheme, and where it has several, the way it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `plain`.
    Plain,
    /// `wss` with Unix seconds.
    Wss,
    /// `wss` with a date of RFC 3339.
    WssDate,
    /// `standard` with a shared secret.
    V1,
    /// `standard` with an ed25519 pair.
    V1a,
}

impl Form {
    /// The scheme it belongs to.
    pub fn scheme(self) -> Scheme {
        match self {
            Self::Plain => Scheme::Plain,
            Self::Wss | Self::WssDate => Scheme::Wss,
            Self::V1 | Self::V1a => Scheme::Standard,
        }
    }

    /// Its name, which the scripts know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Wss => "wss",
            Self::WssDate => "wss-date",
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }

    /// The header that carries the time, where there is one.
    pub fn timestamp(self) -> Option<&'static str> {
        match self.scheme() {
            Scheme::Plain => None,
            Scheme::Wss => Some("X-WSS-Timestamp"),
            Scheme::Standard => Some("webhook-timestamp"),
        }
    }
}

/// The bodies that a judge can be asked about, the fewest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bodies {
    /// It parses the body as JSON once it has verified it.
    Json,
    /// It decodes the body as UTF-8 before it verifies it.
    Text,
    /// It takes a body for the bytes that it is.
    Any,
}

impl Bodies {
    /// The narrowest of the three that `body` belongs to.
    pub fn of(body: &[u8]) -> Self {
        if serde_json::from_slice::<serde_json::Value>(body).is_ok() {
            Self::Json
        } else if str::from_utf8(body).is_ok() {
            Self::Text
        } else {
            Self::Any
        }
    }
}
