//! The interface between a source of entries and the loop that reads it.

use std::fmt::Display;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Bounds, SourceEntry, Stats};

/// A queue or stream that entries are read from, for one group of consumers.
///
/// An [`Intake`](super::Intake) calls [`connect`](Source::connect), then [`next`](Source::next) again
/// and again and [`acknowledge`](Source::acknowledge) beside it, then [`release`](Source::release), and
/// begins again. `lag` and `ping` may be called at any time. No function waits for longer than some
/// seconds.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Connects, and prepares to read: entries that were read and not acknowledged come first. Safe to
    /// cancel, if `release` follows.
    async fn connect(&self) -> Result<Connected, SourceError>;

    /// Waits for entries, about half a second at most. Returns as many as fit into `room`, and at least
    /// one if there are any. Must not be cancelled: entries might be lost until they are redelivered.
    async fn next(&self, room: Room) -> Result<Read, SourceError>;

    /// Acknowledges entries that are durable, which are named by [`SourceEntry::id`]: they are not
    /// delivered again. Returns their number. Entries of a session that is over are left out.
    async fn acknowledge(&self, ids: &[String]) -> Result<usize, SourceError>;

    /// Ends reading. Entries that are not acknowledged are delivered again, to any process.
    async fn release(&self) -> Result<(), SourceError>;

    /// Returns the number of entries that no process of the group has read, if the server reports it.
    async fn lag(&self) -> Result<Option<u64>, SourceError>;

    /// Checks that the server responds.
    async fn ping(&self) -> Result<(), SourceError>;

    /// Returns the name, the address, the bounds and the counters.
    fn info(&self) -> &SourceInfo;
}

/// The properties of a source that its intake uses.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    /// The name in the configuration, the metrics, the log and events.
    pub name: webhook_model::Source,
    /// The address of the server without user and password, for the log.
    pub address: String,
    pub bounds: Bounds,
    pub stats: Arc<Stats>,
}

impl SourceInfo {
    /// Describes the source `name` at `address`, with counters at zero.
    pub fn new(name: &str, address: impl Display, bounds: Bounds) -> Self {
        Self {
            name: webhook_model::Source::named(name),
            address: address.to_string(),
            bounds,
            stats: Arc::default(),
        }
    }
}

/// The result of [`Source::connect`].
#[derive(Debug)]
pub enum Connected {
    /// This process reads. The token is cancelled when the session is lost: from then on, another
    /// process may read the entries that are not acknowledged.
    Reading(CancellationToken),
    /// Another process reads, and does so still after a short wait.
    Standby,
}

/// The result of [`Source::next`].
#[derive(Debug)]
pub enum Read {
    /// Entries in the order of the source. None if none came in time.
    Entries(Vec<SourceEntry>),
    /// The session is over, without a failure: connect again.
    End,
}

/// The space for entries to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    pub entries: usize,
    pub bytes: usize,
}

/// The failure of a source, as text for the log. Contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(String);

impl SourceError {
    pub fn new(error: impl Display) -> Self {
        Self(error.to_string())
    }
}
