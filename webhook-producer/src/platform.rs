//! The interface to the platform, with one trait per capability.
//!
//! Functions require only the traits they use; [`Platform`] combines all of them. Spin implements them
//! in production, and a recording double in the tests.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use url::Url;

use crate::key::SigningKey;

/// Runs SQL statements with text values.
pub trait Database {
    /// Runs one statement with `values` for `?1`, `?2`, …, and returns its rows.
    ///
    /// The error is a message for the log, without values.
    fn execute(&self, statement: &str, values: &[&str]) -> Result<Vec<Vec<String>>, String>;
}

/// Runs SQL statements on PostgreSQL servers.
pub trait Postgres {
    /// Runs one statement with text `values` for `$1`, `$2`, … on the database at `address`, and
    /// returns its rows, of which there must be at least one, and whose columns must be text.
    ///
    /// The error is a message for the log, without values and passwords. It contains the SQLSTATE of
    /// the server's error.
    fn query(
        &self,
        address: &str,
        statement: &str,
        values: &[&str],
    ) -> Result<Vec<Vec<String>>, String>;
}

/// Runs commands on Redis servers.
pub trait Redis {
    /// Runs one command on the server at `address`, and returns the parts of its reply.
    ///
    /// The error is a message for the log, without values and passwords. It contains the code of the
    /// server's error.
    fn command(
        &self,
        address: &str,
        command: &str,
        arguments: &[&[u8]],
    ) -> Result<Vec<RedisReply>, String>;
}

/// A part of a Redis reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisReply {
    Nil,
    Number(i64),
    Bytes(Vec<u8>),
    /// A status, such as `OK`.
    Status(String),
}

/// Sends requests to consumers and to the sender's API.
pub trait Network {
    /// Sends one request and returns the status of the response.
    ///
    /// `timeout` limits connecting and the wait for the first byte, each on its own. The caller limits
    /// the whole exchange by dropping the future.
    fn send(
        &self,
        outgoing: Outgoing,
        timeout: Duration,
    ) -> impl Future<Output = Result<u16, CallError>>;
}

/// One outgoing request.
#[derive(Clone)]
pub struct Outgoing {
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(String, String)>,
    /// Shared, because a firing sends the same bytes to many consumers.
    pub body: Rc<[u8]>,
}

/// The method of an outgoing request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

/// Writes to Redis streams.
pub trait Stream {
    /// Appends an entry with these fields to the stream `name` of the server at `address`. The error
    /// is a message for the log.
    fn append(&self, address: &str, name: &str, fields: &[(&str, &[u8])]) -> Result<(), String>;

    /// Checks that the server at `address` responds. The error is a message for the log.
    fn ping(&self, address: &str) -> Result<(), String>;
}

/// Signs messages.
pub trait Signer {
    /// Returns the headers of every scheme for `message` under `key`. The error is a message for the
    /// log.
    fn sign(
        &self,
        message: &Message<'_>,
        key: &SigningKey,
    ) -> Result<Vec<(String, String)>, String>;
}

/// A message to sign.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The event's id, the same for every consumer.
    pub id: &'a str,
    /// The time of sending, in Unix seconds.
    pub timestamp: u64,
    /// The body, byte for byte as it is sent.
    pub body: &'a [u8],
}

/// Reads clocks and waits.
pub trait Clock {
    /// Returns the time since a fixed moment, which never decreases.
    fn now(&self) -> Duration;

    /// Returns the host's wall clock in Unix seconds, which may go back.
    fn unix_seconds(&self) -> u64;

    /// Waits until [`now`](Self::now) reaches `moment`.
    fn sleep_until(&self, moment: Duration) -> impl Future<Output = ()>;
}

/// Reads the app's variables.
pub trait Variables {
    /// Returns the value of the variable `name`. The error is a message for the log.
    fn variable(&self, name: &str) -> Result<String, String>;
}

/// Writes the log.
pub trait Log {
    /// Writes one line. The caller must keep keys and the queries of URLs out of it.
    fn log(&self, line: &str);
}

/// The complete platform.
pub trait Platform:
    Database + Postgres + Redis + Network + Stream + Signer + Clock + Variables + Log
{
}

impl<T> Platform for T where
    T: Database + Postgres + Redis + Network + Stream + Signer + Clock + Variables + Log
{
}

/// The reason why a call got no response.
///
/// Clients of the producer see it as `phase: reason`, so it never contains a key.
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

/// The phase of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The time limit of the firing was reached before the call was started.
    NotStarted,
    /// The URL may not be called, or the payload could not be signed.
    Plan,
    /// Resolving the consumer's address.
    Address,
    /// Connecting, including TLS.
    Connect,
    /// Sending the request.
    Send,
    /// Waiting for the response.
    Respond,
    /// The time limit was reached, in any phase.
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
