//! The queue of deliveries, from the event to the outcome of the last attempt.

use std::time::Duration;

use async_trait::async_trait;
use webhook_model::{Event, EventId, Millis, Owner, Rejected, TenantId};

use crate::batch::{
    Acceptance, AcceptedEvent, Claim, ClaimRequest, DueEndpoint, Outcome, PlanBatch, PlanResult,
};
use crate::error::Result;

/// How long a known event's id changes nothing when it is published again.
pub const IDEMPOTENCY: Duration = Duration::from_secs(24 * 60 * 60);

/// The queue of deliveries: events are planned, due deliveries claimed, and outcomes recorded.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Keeps events and their deliveries, all or none of each event: new events, or the oldest
    /// accepted ones of the tenant. An accepted event that is planned already is
    /// [`Planned::Known`](crate::Planned::Known).
    ///
    /// Deliveries that start [`InitialState::Claimed`](crate::Start::Claimed) are in flight under `owner` when this answers; the
    /// store turns them into due ones where order demands it (see [`Planned::New`](crate::Planned::New)).
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownTenant`](crate::StoreError::UnknownTenant), and [`StoreError::LeaseLost`](crate::StoreError::LeaseLost) where something starts claimed
    /// and `owner` has not entered: for the whole batch.
    async fn plan(&self, owner: &Owner, batch: PlanBatch, now: Millis) -> Result<PlanResult>;

    /// Keeps events behind the tenant's other accepted ones, to be planned later. Returns one result
    /// for each event, in order.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownTenant`](crate::StoreError::UnknownTenant).
    async fn accept(
        &self,
        tenant: &TenantId,
        events: &[Event],
        now: Millis,
    ) -> Result<Vec<Acceptance>>;

    /// Returns the tenants that have accepted events, in no order.
    async fn backlog(&self) -> Result<Vec<TenantId>>;

    /// Takes the oldest accepted events of a tenant for planning, at most `limit` of them and about
    /// [`PLANNING_BYTES`](crate::PLANNING_BYTES), and counts one more try of each before it returns
    /// them. An event whose planning began before and did not end comes alone. Returns none where the
    /// tenant has none, and while another owner that has a lease plans for it.
    async fn begin_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        limit: usize,
    ) -> Result<Vec<AcceptedEvent>>;

    /// Ends the planning of `owner` for a tenant, and takes one try back of each event in `untried`:
    /// its programs are not the reason why it was not planned.
    async fn end_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        untried: &[EventId],
    ) -> Result<()>;

    /// Removes an accepted event, after it was kept as rejected. Its id may be used again.
    async fn discard_accepted(&self, tenant: &TenantId, event: &EventId) -> Result<()>;

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
    /// [`StoreError::LeaseLost`](crate::StoreError::LeaseLost) if `owner` has not entered.
    async fn claim(
        &self,
        owner: &Owner,
        requests: &[ClaimRequest],
        now: Millis,
    ) -> Result<Vec<Claim>>;

    /// Records the outcomes of attempts. Returns for each whether it is recorded, by this call or by
    /// an earlier one for the same claim. An outcome whose claim was taken back is left out, and the
    /// delivery is left as it is.
    ///
    /// An attempt is kept with its [`Fence`](crate::Fence), which tells a repetition from an outcome that is too
    /// late. An outcome without an attempt counts as recorded where the delivery stands as it says.
    async fn complete(&self, owner: &Owner, outcomes: &[Outcome], now: Millis)
    -> Result<Vec<bool>>;

    /// A published event, while any of its deliveries is kept.
    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Event>>;

    /// Corrects due times that were set while a clock was ahead of `now`, after it was set back.
    /// Returns the number of deliveries that are due earlier by it.
    ///
    /// A delivery that was not tried yet has nothing to wait for and is due now. One whose last
    /// attempt ended after `now` keeps its wait, counted from `now`, and the attempt is dated back.
    async fn rewind(&self, now: Millis) -> Result<u64>;

    /// Forgets what ended before these moments: deliveries that succeeded, and dead letters, which
    /// rejected events are among. An event goes with its last delivery, but not before
    /// [`IDEMPOTENCY`] has passed. Bounded work: answers whether there may be more to forget.
    async fn prune(&self, succeeded_before: Millis, dead_before: Millis) -> Result<bool>;

    /// Waits until something may be due that no call by this process made due: work of another
    /// process, or work taken back.
    async fn wait_for_work(&self);
}
