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
    /// What it says, or why nothing can be made of it.
    pub content: Result<Event, Rejected>,
}

/// Why an entry is not durable yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// The store is out of reach. The entry is given again until it is not, however long that takes.
    #[error("{0}")]
    Unavailable(String),
    /// It may be the entry's fault. It is given again, by itself, until it is given up as poison.
    #[error("{0}")]
    Failed(String),
}

/// Takes entries.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Waits until there is room, and answers for how many events.
    async fn room(&self) -> usize;

    /// Plans events and keeps what was rejected. What is answered `Ok` is durable, and is
    /// acknowledged. One answer an entry, in their order; an entry that has none counts as
    /// [`SinkError::Failed`]. To take an entry a second time changes nothing.
    async fn take(&self, entries: Vec<Taken>) -> Vec<Result<(), SinkError>>;
}
