//! What the producer needs from outside, one trait a capability.
//!
//! Functions ask for the traits they use and no others; [`Outside`] is all of them together. Spin
//! stands behind them in production, a recording double in the tests.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use url::Url;

use crate::key::SigningKey;

/// Runs SQL over text.
pub trait Database {
    /// Runs one statement with `values` for `?1`, `?2`, …, and gives the rows it returns.
    ///
    /// The error is text for the log: it never holds a value.
    fn execute(&self, statement: &str, values: &[&str]) -> Result<Vec<Vec<String>>, String>;
}

/// Calls consumers, and the sender's API.
pub trait Network {
    /// Sends one request and gives the status of the answer, whatever it is.
    ///
    /// `patience` bounds connecting, and the wait for the first byte, each by itself. The bound on
    /// the whole exchange is the caller's: dropping the future ends the call.
    fn send(
        &self,
        outgoing: Outgoing,
        patience: Duration,
    ) -> impl Future<Output = Result<u16, CallError>>;
}

/// One outgoing request.
#[derive(Clone)]
pub struct Outgoing {
    pub method: Verb,
    pub url: Url,
    pub headers: Vec<(String, String)>,
    /// Shared, because a firing sends the same bytes to many.
    pub body: Rc<[u8]>,
}

/// The methods that are called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Post,
    Put,
    Patch,
    Delete,
}

/// Writes to Redis streams.
pub trait Stream {
    /// Appends an entry of these fields to the stream `name` of the server at `address`. The error
    /// is text for the log.
    fn append(&self, address: &str, name: &str, fields: &[(&str, &[u8])]) -> Result<(), String>;

    /// Whether the server at `address` answers. The error is text for the log.
    fn ping(&self, address: &str) -> Result<(), String>;
}

/// Signs.
pub trait Signer {
    /// The headers of every scheme for `message` under the key's text. The error is text for the
    /// log.
    fn sign(
        &self,
        message: &Message<'_>,
        key: &SigningKey,
    ) -> Result<Vec<(String, String)>, String>;
}

/// What is signed.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The event's id, the same for every consumer.
    pub id: &'a str,
    /// When it is sent, in Unix seconds.
    pub timestamp: u64,
    /// The body, byte for byte as it is sent.
    pub body: &'a [u8],
}

/// Tells the time and waits.
pub trait Clock {
    /// Time since some fixed moment; it never goes back.
    fn now(&self) -> Duration;

    /// The host's wall clock in Unix seconds, which may go back.
    fn unix_seconds(&self) -> u64;

    /// Waits until [`now`](Self::now) reaches `moment`.
    fn sleep_until(&self, moment: Duration) -> impl Future<Output = ()>;
}

/// Reads the app's variables.
pub trait Variables {
    /// The value of the variable `name`. The error is text for the log.
    fn variable(&self, name: &str) -> Result<String, String>;
}

/// Writes the log.
pub trait Log {
    /// Writes one line. The caller keeps keys and queries of URLs out of it.
    fn log(&self, line: &str);
}

/// Everything at once.
pub trait Outside: Database + Network + Stream + Signer + Clock + Variables + Log {}

impl<T: Database + Network + Stream + Signer + Clock + Variables + Log> Outside for T {}

/// Why a call got no answer.
///
/// It is shown to whoever fires, as `phase: reason`, so it never holds a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{phase}: {reason}")]
pub struct CallError {
    pub phase: Phase,
    pub reason: String,
}

impl CallError {
    pub fn new(phase: Phase, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { phase, reason }
    }
}

/// How far a call had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The time of the firing was over before the call's turn came.
    NotStarted,
    /// The URL may not be called, or the payload could not be signed.
    Plan,
    /// Finding the consumer's address.
    Address,
    /// Connecting, TLS included.
    Connect,
    /// Sending the request.
    Send,
    /// Waiting for the answer.
    Respond,
    /// The time was over, wherever the call was.
    Timeout,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotStarted => "not started",
            Self::Plan => "plan",
            Self::Address => "address",
            Self::Connect => "connect",
            Self::Send => "send",
            Self::Respond => "respond",
            Self::Timeout => "timeout",
        })
    }
}
