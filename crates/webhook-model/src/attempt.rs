//! Attempts: single HTTP requests of a delivery.

use serde::{Deserialize, Serialize};

use super::{Exchange, Millis};

/// The phase in which an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The host name did not resolve, or resolved to an address that deliveries may not use.
    Address,
    /// The connection or its TLS handshake failed.
    Connect,
    /// The request could not be sent completely.
    Send,
    /// The response is missing, malformed, or not 2xx.
    Respond,
}

impl Phase {
    pub const ALL: [Self; 4] = [Self::Address, Self::Connect, Self::Send, Self::Respond];

    /// Returns the name in JSON, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Connect => "connect",
            Self::Send => "send",
            Self::Respond => "respond",
        }
    }
}

/// An attempt and its result. It succeeded if `error` is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The start of the attempt.
    pub at: Millis,
    /// The status of the response, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The error as text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The phase of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    pub duration_ms: u32,
    /// The request and the response. Empty in lists, which show attempts without them.
    #[serde(skip)]
    pub exchange: Exchange,
}
