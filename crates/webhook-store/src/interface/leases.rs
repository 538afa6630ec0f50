//! Which processes take part, and for how long.

use async_trait::async_trait;
use webhook_model::{Millis, Owner};

use crate::error::Result;

/// Leases of processes: the hold that each has on the deliveries it has in flight.
///
/// `now` is always passed in. It comes from [`Leases::time`] where processes share a server, so that
/// they agree on it.
#[async_trait]
pub trait Leases: Send + Sync + 'static {
    /// Takes part as `owner` until `until`. Work of an earlier process of the same name goes back
    /// to the queue, if that process is known to be gone or its lease has run out.
    ///
    /// # Errors
    ///
    /// [`StoreError::NameTaken`](crate::StoreError::NameTaken) while a process of that name may be alive.
    async fn acquire_lease(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()>;

    /// Extends the lease of `owner` on all it has in flight.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`](crate::StoreError::LeaseLost) if it had run out and its work was given away: the caller has to
    /// drop what it has claimed and enter anew, as another incarnation.
    async fn renew(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()>;

    /// Gives up the lease; whatever is still in flight is due at once. No error without one.
    async fn release_lease(&self, owner: &Owner, now: Millis) -> Result<()>;

    /// Ends the leases of others that have run out, and makes what is in flight under them due
    /// again. Returns the number of those deliveries. The lease of `owner`, who asks, is left alone:
    /// where nobody else has taken its work over, it goes on.
    async fn recover(&self, owner: &Owner, now: Millis) -> Result<u64>;

    /// The present moment by the clock that leases are kept by; `None` where that is the process's
    /// own, because no other process takes part.
    async fn time(&self) -> Result<Option<Millis>> {
        Ok(None)
    }
}
