//! The queue of deliveries, from the event to the outcome of its last attempt.

use std::time::Duration;

use async_trait::async_trait;
use webhook_model::{Event, EventId, Millis, Owner, Rejected, TenantId};

use crate::batch::{
    Acceptance, AcceptedEvent, Claim, ClaimRequest, DueEndpoint, Outcome, PlanBatch, PlanResult,
};
use crate::error::Result;

/// The time for which a second publication of an event's id changes nothing.
pub const IDEMPOTENCY: Duration = Duration::from_secs(24 * 60 * 60);

/// The queue of deliveries: plans events, claims due deliveries, and records outcomes.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Keeps events and their deliveries, each event with all of its deliveries or not at all. The
    /// events are new, or the oldest accepted ones of the tenant. An accepted event that is planned
    /// already is [`Planned::Known`](crate::Planned::Known).
    ///
    /// Deliveries that start [`InitialState::Claimed`](crate::InitialState::Claimed) are in flight
    /// under `owner` when this returns, except ordered ones that wait for earlier deliveries: see
    /// [`Planned::New`](crate::Planned::New).
    ///
    /// # Errors
    ///
    /// For the whole batch: [`StoreError::UnknownTenant`](crate::StoreError::UnknownTenant), and
    /// [`StoreError::LeaseLost`](crate::StoreError::LeaseLost) if a delivery starts claimed and
    /// `owner` has no lease.
    async fn plan(&self, owner: &Owner, batch: PlanBatch, now: Millis) -> Result<PlanResult>;

    /// Keeps events behind the tenant's other accepted ones, for later planning. Returns one result
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
    /// them. An event whose planning began before and did not end comes alone. Returns no event if
    /// the tenant has none, or while another owner with a lease plans for it.
    async fn begin_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        limit: usize,
    ) -> Result<Vec<AcceptedEvent>>;

    /// Ends the planning of `owner` for a tenant, and takes back one try of each event in
    /// `untried`, whose filters and transforms did not run.
    async fn end_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        untried: &[EventId],
    ) -> Result<()>;

    /// Removes an accepted event whose planning began at least `tries` times, after it was kept as
    /// rejected. Its id may be used again: an event with fewer tries is such a use, and stays.
    async fn discard_accepted(&self, tenant: &TenantId, event: &EventId, tries: u32) -> Result<()>;

    /// Keeps events that could not be planned.
    async fn reject(&self, rejected: &[Rejected]) -> Result<()>;

    /// Returns the endpoints with deliveries due at `now`, at most one row for each, and the moment
    /// for the next call: when the next delivery after `now` is due, or earlier, but after `now`.
    /// Disabled endpoints have no due deliveries.
    async fn due(&self, now: Millis) -> Result<(Vec<DueEndpoint>, Option<Millis>)>;

    /// Claims due deliveries for `owner`, the longest due first, at most as many of each endpoint
    /// as its request's limit.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`](crate::StoreError::LeaseLost) if `owner` has no lease.
    async fn claim(
        &self,
        owner: &Owner,
        requests: &[ClaimRequest],
        now: Millis,
    ) -> Result<Vec<Claim>>;

    /// Records the outcomes of claims. Returns for each whether it is recorded, by this call or by
    /// an earlier one for the same claim. An outcome whose claim was returned is rejected, and its
    /// delivery stays as it is.
    ///
    /// An attempt is kept with its [`Fence`](crate::Fence), which distinguishes a repeated outcome
    /// from a late one. An outcome without an attempt counts as recorded if the delivery is in the
    /// state that it names.
    async fn complete(&self, owner: &Owner, outcomes: &[Outcome], now: Millis)
    -> Result<Vec<bool>>;

    /// Writes the counters and the last attempts of endpoints that outcomes have changed since the last
    /// call. Senders call it once a second, and [`Leases::release_lease`](crate::Leases) writes the rest: an
    /// endpoint then costs one write a second, and not one for each outcome. A process that is killed loses
    /// the counts that it has not written, and no outcome.
    ///
    /// Counts that could not be written are kept for the next call, those by minute for
    /// [`MINUTES_KEPT`](crate::MINUTES_KEPT). Counts whose write took effect although its reply was lost are
    /// counted twice.
    ///
    /// # Errors
    ///
    /// Returns the first error. Counts that do not depend on the failed call may be written.
    async fn write_counts(&self) -> Result<()>;

    /// Returns a published event, as long as any of its deliveries is kept.
    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Event>>;

    /// Corrects due times that were set while a clock was ahead of `now`, after it was set back.
    /// Returns the number of deliveries that are due earlier as a result.
    ///
    /// A delivery without an attempt becomes due now. One whose last attempt ended after `now`
    /// keeps its wait, counted from `now`, and the attempt is dated back.
    async fn rewind(&self, now: Millis) -> Result<u64>;

    /// Deletes deliveries that succeeded before the first moment, and dead letters (including
    /// rejected events) from before the second one. An event is deleted with its last delivery, but
    /// not before [`IDEMPOTENCY`] has passed since it was accepted. A call does a bounded amount of
    /// work, and returns whether there may be more to delete.
    async fn prune(&self, succeeded_before: Millis, dead_before: Millis) -> Result<bool>;

    /// Waits until something may be due that no call by this process made due: by a call of another
    /// process, or because a claim was returned.
    async fn wait_for_work(&self);
}
