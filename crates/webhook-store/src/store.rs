//! The store as the rest of the sender uses it.

use std::time::Duration;

use async_trait::async_trait;
use webhook_model::{
    Delivery, DeliveryId, Endpoint, EndpointId, Event, EventId, Millis, Owner, Rejected, TenantId,
};

use crate::batch::{Ask, Claim, DueEndpoint, Outcome, PlanBatch, PlanResult};
use crate::error::StoreError;
use crate::page::{Cursor, DeliveryFilter, Depth, Page, RejectedFilter};

/// How long a known event's id changes nothing when it is published again.
pub const IDEMPOTENCY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// The store as the rest of the sender sees it. See the module's promises.
///
/// `now` is always passed in. For leases it comes from [`Store::time`] where processes share a
/// server, so that they agree on it.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // ── who takes part ────────────────────────────────────────────────────────────────────────

    /// Takes part as `owner` until `until`. Work of an earlier process of the same name goes back
    /// to the queue, if that process is known to be gone or its lease has run out.
    ///
    /// # Errors
    ///
    /// [`StoreError::NameTaken`] while a process of that name may be alive.
    async fn enter(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()>;

    /// Extends the lease of `owner` on all it has in flight.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] if it had run out and its work was given away: the caller has to
    /// drop what it has claimed and enter anew, as another incarnation.
    async fn renew(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()>;

    /// Gives up the lease; whatever is still in flight is due at once. No error without one.
    async fn leave(&self, owner: &Owner, now: Millis) -> Result<()>;

    /// Ends the leases of others that have run out, and makes what is in flight under them due
    /// again. Returns the number of those deliveries. The lease of `owner`, who asks, is left alone:
    /// where nobody else has taken its work over, it goes on.
    async fn recover(&self, owner: &Owner, now: Millis) -> Result<u64>;

    /// The present moment by the clock that leases are kept by; `None` where that is the process's
    /// own, because no other process takes part.
    async fn time(&self) -> Result<Option<Millis>> {
        Ok(None)
    }

    // ── tenants and endpoints ─────────────────────────────────────────────────────────────────

    /// All tenants in the order of their ids, each with the version of its endpoints. Cheap: asked
    /// every second.
    async fn tenants(&self) -> Result<Vec<(TenantId, u64)>>;

    /// Answers whether the tenant is new.
    async fn put_tenant(&self, tenant: &TenantId) -> Result<bool>;

    /// Removes a tenant and all it has. Answers whether there was one.
    async fn delete_tenant(&self, tenant: &TenantId) -> Result<bool>;

    /// The version of a tenant's endpoints, and the endpoints in the order of their ids; `None` for
    /// an unknown tenant. The version goes up with every change to any of them.
    async fn endpoints(&self, tenant: &TenantId) -> Result<Option<(u64, Vec<Endpoint>)>>;

    /// Stores `endpoint`, provided that the stored one still has version `over` (`None`: that there
    /// is none). Its version becomes the tenant's new one, which is answered.
    ///
    /// When an endpoint is disabled its pending deliveries stay pending and are not due until it is
    /// enabled.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if it has not, [`StoreError::UnknownTenant`].
    async fn put_endpoint(&self, endpoint: &Endpoint, over: Option<u64>) -> Result<u64>;

    /// Removes an endpoint and buries what is pending for it with the reason
    /// `endpoint deleted`; what is in flight is, unless it ends with this attempt. Answers whether
    /// there was one.
    async fn delete_endpoint(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Millis,
    ) -> Result<bool>;

    // ── the queue ─────────────────────────────────────────────────────────────────────────────

    /// Keeps events and their deliveries, all or none of each event.
    ///
    /// Deliveries that start [`Start::Claimed`](crate::Start::Claimed) are in flight under `owner` when this answers; the
    /// store turns them into due ones where order demands it (see [`Planned::New`](crate::Planned::New)).
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownTenant`], and [`StoreError::LeaseLost`] where something starts claimed
    /// and `owner` has not entered: for the whole batch.
    async fn plan(&self, owner: &Owner, batch: PlanBatch, now: Millis) -> Result<PlanResult>;

    /// Keeps events that nothing could be made of.
    async fn reject(&self, rejected: &[Rejected]) -> Result<()>;

    /// The endpoints that have deliveries due at `now`, and when to look again: when the next one
    /// after that is due, or earlier, but after `now`. Disabled endpoints have none. At most one row
    /// an endpoint.
    async fn due(&self, now: Millis) -> Result<(Vec<DueEndpoint>, Option<Millis>)>;

    /// Takes due deliveries into flight under `owner`, the longest due first, at most as many of
    /// each endpoint as asked for.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] if `owner` has not entered.
    async fn claim(&self, owner: &Owner, asks: &[Ask], now: Millis) -> Result<Vec<Claim>>;

    /// Records the outcomes of attempts. Returns for each whether it is recorded, by this call or by
    /// an earlier one for the same claim. An outcome whose claim was taken back is left out, and the
    /// delivery is left as it is.
    ///
    /// An attempt is kept with its [`Fence`], which tells a repetition from an outcome that is too
    /// late. An outcome without an attempt counts as recorded where the delivery stands as it says.
    async fn complete(&self, owner: &Owner, outcomes: &[Outcome], now: Millis)
    -> Result<Vec<bool>>;

    /// Makes deliveries due again from `now` on: one, or all that `filter` selects. Answers how
    /// many. What is in flight or pending is left alone, and what has no endpoint any more. Attempts
    /// made so far no longer count against the schedule, and are kept. What keeps its order waits
    /// for its turn.
    async fn replay(&self, tenant: &TenantId, filter: &DeliveryFilter, now: Millis) -> Result<u64>;

    /// Corrects due times that were set while a clock was ahead of `now`, after it was set back.
    /// Returns the number of deliveries that are due earlier by it.
    ///
    /// A delivery that was not tried yet has nothing to wait for and is due now. One whose last
    /// attempt ended after `now` keeps its wait, counted from `now`, and the attempt is dated back.
    async fn rewind(&self, now: Millis) -> Result<u64>;

    // ── looking in ────────────────────────────────────────────────────────────────────────────

    /// One delivery.
    async fn delivery(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Delivery>>;

    /// The deliveries that `filter` selects, the newest first, at most `limit` of them.
    async fn deliveries(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Delivery>>;

    /// A published event, while any of its deliveries is kept.
    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Event>>;

    /// Events that could not be planned, the newest first, at most `limit` of them and about
    /// [`PAGE_BYTES`].
    async fn rejected(
        &self,
        filter: &RejectedFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Rejected>>;

    /// Forgets a rejected event, after it was planned all the same. Answers it, if it was there.
    async fn take_rejected(&self, id: &str) -> Result<Option<Rejected>>;

    // ── upkeep ────────────────────────────────────────────────────────────────────────────────

    /// Forgets what ended before these moments: deliveries that succeeded, and dead letters, which
    /// rejected events are among. An event goes with its last delivery, but not before
    /// [`IDEMPOTENCY`] has passed. Bounded work: answers whether there may be more to forget.
    async fn forget(&self, succeeded_before: Millis, dead_before: Millis) -> Result<bool>;

    /// How much is waiting.
    async fn depth(&self, now: Millis) -> Result<Depth>;

    /// Whether the store can be reached and written to.
    async fn ping(&self) -> Result<()>;

    /// Returns the identity of the content. `None` before the first [`Store::identify`], and after
    /// the content was lost. A store that cannot lose its content while it is open has an empty one.
    async fn identity(&self) -> Result<Option<String>> {
        Ok(Some(String::new()))
    }

    /// Gives the content an identity, a random one, unless it has one: whatever has to be in the store
    /// is there.
    async fn identify(&self) -> Result<()> {
        Ok(())
    }

    /// Takes the identity away, if it is still this one: part of the content was lost.
    async fn disown(&self, _identity: &str) -> Result<()> {
        Ok(())
    }

    /// Waits until something may be due that no call by this process made due: work of another
    /// process, or work taken back.
    async fn woken(&self);
}
