//! What remembers the ids of webhooks.

use alloc::boxed::Box;
use core::error::Error;
use core::pin::Pin;
use core::time::Duration;

/// A future that a store answers with.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a store could not answer. It is logged, and never shown to a sender.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// How long a done id is remembered where nothing else is chosen: four days.
///
/// It has to be longer than the sender's retries go on. Those that Standard Webhooks proposes go on
/// for three days and four hours, and a fifth longer where they are jittered.
pub const RETENTION: Duration = Duration::from_secs(4 * 24 * 60 * 60);

/// A store of the ids that are done, and of those that are being processed.
///
/// Ids are unique to a sender: what receives from several senders needs a store, or a prefix, for
/// each. An id has at most 256 bytes, all of them printable ASCII.
pub trait SeenIds: Send + Sync + 'static {
    /// Asks for `id`. Of several claims at one time at most one is granted.
    ///
    /// `now` is the receiver's time in Unix seconds, for stores that have no clock.
    fn claim<'a>(&'a self, id: &'a str, now: u64) -> BoxFuture<'a, Result<Claim, StoreError>>;
}

/// What becomes of a claim.
pub enum Claim {
    /// The id is the caller's to process, and nobody else's as long as the ticket is there.
    Granted(Box<dyn Ticket>),
    /// Somebody else is processing it.
    InProgress,
    /// It was processed, not longer ago than the store remembers.
    Done,
}

/// The right to process an id.
///
/// Dropping it forgets the id, so that the next attempt is processed: that is what becomes of a
/// handler that fails, panics or is cancelled.
pub trait Ticket: Send {
    /// The id is done. Once this was called it stays done, even if nobody waits for the answer.
    fn complete(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;
}
