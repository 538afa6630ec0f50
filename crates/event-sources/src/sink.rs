//! The destination of entries: the part of the planner that the intake needs.

use async_trait::async_trait;
use webhook_model::{Event, Rejected, TenantId};

/// An entry as it was read from its source.
#[derive(Clone, Debug)]
pub struct SourceEntry {
    /// The entry's id at its source.
    pub id: String,
    /// The id derived from the entry: unique across all sources, including recreated ones. It is the
    /// id of an event without one, and always [`Rejected::id`].
    pub derived: String,
    /// The tenant that the entry names, if the name is valid. The sink checks that the tenant exists,
    /// and sets [`Rejected::tenant`].
    pub tenant: Option<TenantId>,
    /// True if the entry was read before, by a reader that may have crashed because of it.
    pub redelivered: bool,
    /// The approximate size in memory, in bytes.
    pub bytes: usize,
    /// The event, or the rejected entry with its reason.
    pub content: Result<Event, Rejected>,
}

/// The reason why an entry is not durable yet, such as an unreachable store. The entry is passed to the
/// sink again until it is durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// A destination of entries that makes them durable.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Waits until the sink can take events, and returns how many.
    async fn capacity(&self) -> usize;

    /// Stores events and rejected entries. Returns one result for each entry, in order; a missing result
    /// counts as failed. Entries with `Ok` are durable and will be acknowledged. Idempotent: the same
    /// entry may be passed again.
    async fn take(&self, entries: Vec<SourceEntry>) -> Vec<Result<(), SinkError>>;
}
