//! The leases of sender processes.

use async_trait::async_trait;
use webhook_model::{Millis, Owner};

use crate::error::Result;

/// The leases of processes, each on all deliveries that the process has in flight.
///
/// `now` is always passed in. If processes share a server it comes from [`Leases::time`], so that
/// they agree on it.
#[async_trait]
pub trait Leases: Send + Sync + 'static {
    /// Acquires a lease for `owner` until `until`. Deliveries of an earlier process of the same
    /// name return to the queue if that process is known to be gone or its lease has expired.
    ///
    /// # Errors
    ///
    /// [`StoreError::NameTaken`](crate::StoreError::NameTaken) while a process of that name may be alive.
    async fn acquire_lease(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()>;

    /// Extends the lease of `owner` on all it has in flight.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`](crate::StoreError::LeaseLost) if the lease had expired and another
    /// process ended it: the caller must drop its claims and acquire a lease as another incarnation.
    async fn renew(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()>;

    /// Releases the lease. Deliveries that are still in flight are due at once. Succeeds without a
    /// lease too.
    async fn release_lease(&self, owner: &Owner, now: Millis) -> Result<()>;

    /// Ends expired leases of others than `owner`, and makes deliveries in flight under them due
    /// again. Returns the number of those deliveries. The lease of `owner` stays, even if it has
    /// expired: unless another process ended it, its next renewal revives it.
    async fn recover(&self, owner: &Owner, now: Millis) -> Result<u64>;

    /// Returns the time by the clock of the leases; `None` if that is the clock of this process,
    /// because no other process shares the store.
    async fn time(&self) -> Result<Option<Millis>> {
        Ok(None)
    }
}
