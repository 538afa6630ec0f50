//! The properties that distinguish references.

use webhook_signature::Scheme;

/// A scheme in one of its variants.
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
    /// Returns the scheme.
    pub fn scheme(self) -> Scheme {
        match self {
            Self::Plain => Scheme::Plain,
            Self::Wss | Self::WssDate => Scheme::Wss,
            Self::V1 | Self::V1a => Scheme::Standard,
        }
    }

    /// Returns the name that the scripts use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Wss => "wss",
            Self::WssDate => "wss-date",
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }

    /// Returns the header with the timestamp, if there is one.
    pub fn timestamp(self) -> Option<&'static str> {
        match self.scheme() {
            Scheme::Plain => None,
            Scheme::Wss => Some("X-WSS-Timestamp"),
            Scheme::Standard => Some("webhook-timestamp"),
        }
    }
}

/// The bodies that a reference supports, the fewest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bodies {
    /// Only JSON: it parses the body after verifying it.
    Json,
    /// Only text: it decodes the body as UTF-8 before verifying it.
    Text,
    /// Any bytes.
    Any,
}

impl Bodies {
    /// Returns the narrowest of the three that includes `body`.
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
