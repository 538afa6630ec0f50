//! Where entries go: the planner, behind as much of it as the intake needs.

use async_trait::async_trait;
use webhook_model::{Event, Rejected, TenantId};

/// An entry as it was taken from the stream.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The entry's id in the stream.
    pub id: String,
    /// The id derived from it: unique across streams, sources and recreated streams. An event that
    /// names none has it, and [`Rejected::id`] is always this one.
    pub derived: String,
    /// The tenant it names, if that is a name. Whether there is such a tenant is the sink's to know;
    /// [`Rejected::tenant`] is left to it as well.
    pub tenant: Option<TenantId>,
    /// Whether it was taken before, by a reader that may have ended because of it.
    pub redelivered: bool,
    /// About how much of memory it takes up.
    pub bytes: usize,
    /// What it says, or why nothing can be made of it.
    pub content: Result<Event, Rejected>,
}

/// Why an entry is not durable yet: the store is out of reach. It is given again until it is durable,
/// however long that takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// Takes entries.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Waits until there is room, and returns for how many events.
    async fn room(&self) -> usize;

    /// Keeps events, and what was rejected. Entries whose result is `Ok` are durable, and are
    /// acknowledged. Returns one result for each entry, in their order; an entry that has none counts
    /// as failed. To take an entry a second time changes nothing.
    async fn take(&self, entries: Vec<Taken>) -> Vec<Result<(), SinkError>>;
}
