//! The interface of a deduplication store.

use alloc::boxed::Box;
use core::error::Error;
use core::pin::Pin;
use core::time::Duration;

/// The future that a store returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The reason why a store failed. It is logged, and never sent to a sender.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// The default retention of a done id: four days.
///
/// It must be longer than the sender's retries take. The schedule that Standard Webhooks proposes
/// takes three days and four hours, and a fifth more with jitter.
pub const RETENTION: Duration = Duration::from_secs(4 * 24 * 60 * 60);

/// A store of the ids that are done, and of those that are being processed.
///
/// Ids are unique to a sender: a receiver of several senders needs a store, or a prefix, for each. An
/// id has at most 256 bytes of printable ASCII.
pub trait DedupStore: Send + Sync + 'static {
    /// Claims `id`. Of several concurrent claims, at most one is granted.
    ///
    /// `now` is the receiver's time in Unix seconds, for stores without a clock.
    fn claim<'a>(&'a self, id: &'a str, now: u64) -> BoxFuture<'a, Result<Claim, StoreError>>;
}

/// The result of a claim.
pub enum Claim {
    /// The caller may process the id, exclusively as long as it has the ticket.
    Granted(Box<dyn Ticket>),
    /// Another request with this id is being processed.
    InProgress,
    /// The id was processed, within the retention of the store.
    Done,
}

/// The right to process an id.
///
/// Dropping it releases the id, so that the next attempt is processed: this covers a handler that
/// fails, panics or is cancelled.
pub trait Ticket: Send {
    /// Records the id as done. Once called, it takes effect even if the future is dropped.
    fn complete(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;
}
