//! One try to deliver.

use serde::{Deserialize, Serialize};

use super::Millis;

/// The most bytes of an answer that an attempt keeps.
pub const MAX_RESPONSE_BYTES: usize = 256;

/// How far an attempt, or the way to it, came before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The name did not resolve, or led where deliveries may not go.
    Address,
    /// No connection, or no TLS on it.
    Connect,
    /// The request could not be sent whole.
    Send,
    /// No answer, a broken one, or one that says no.
    Respond,
}

impl Phase {
    pub const ALL: [Self; 4] = [Self::Address, Self::Connect, Self::Send, Self::Respond];

    /// As it is written in JSON, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Connect => "connect",
            Self::Send => "send",
            Self::Respond => "respond",
        }
    }
}

/// One attempt and what came of it. It succeeded if `error` is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Millis,
    /// The answer's status, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where it went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    pub duration_ms: u32,
    /// The first bytes of the answer's body, at most [`MAX_RESPONSE_BYTES`], made readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}
