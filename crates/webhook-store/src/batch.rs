//! The types that pass through the queue.

use bytes::Bytes;
use webhook_model::{Attempt, DeliveryId, EndpointId, Event, EventId, Millis, TenantId};

use super::Fence;

/// Events of one tenant, planned against one version of its endpoints.
#[derive(Clone, Debug)]
pub struct PlanBatch {
    pub tenant: TenantId,
    /// The version that [`Tenants::endpoints`](crate::Tenants::endpoints) returned with them.
    pub version: u64,
    /// The claim of the deliveries that start claimed.
    pub fence: Fence,
    pub events: Vec<PlannedEvent>,
    /// True if the events are the tenant's oldest accepted ones, in their order; false if they are
    /// new.
    pub accepted: bool,
}

/// An event and its new deliveries; none if no endpoint matches it.
#[derive(Clone, Debug)]
pub struct PlannedEvent {
    pub event: Event,
    pub deliveries: Vec<NewDelivery>,
}

/// A delivery to create.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    /// The request body; `None` sends the event's data unchanged.
    pub body: Option<Bytes>,
    /// True if it waits for earlier deliveries of its ordering group: those with the same ordering
    /// key, or those without one.
    pub ordered: bool,
    pub start: InitialState,
}

/// The state in which a delivery is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitialState {
    /// In flight, under the planner's own lease. An ordered one only if its ordering group is empty.
    Claimed,
    /// Pending, and due at that moment.
    Due(Millis),
    /// Dead, with this reason.
    Dead(String),
}

/// The bodies with which deliveries are replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplayBodies {
    /// The bodies of the earlier attempts.
    #[default]
    Kept,
    /// New bodies, which are rendered when they are sent.
    Deferred,
}

/// The result of planning a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanResult {
    /// The endpoints have changed, and nothing was kept. The caller loads them and plans again.
    Stale,
    /// The tenant has accepted events, which must be planned before new ones. Nothing was kept.
    Backlog,
    /// One result for each event, in order.
    Done(Vec<Planned>),
}

/// The result of planning one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// The event was kept. `claimed` lists its deliveries that are in flight under the planner's
    /// lease.
    New { claimed: Vec<DeliveryId> },
    /// The id is known with the same type and data. Nothing was changed.
    Known,
    /// The id is known with another type or other data. Nothing was changed.
    Conflict,
}

/// The result of accepting an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// The event is kept, behind the tenant's other accepted events.
    New,
    /// The id is known with the same type and data. Nothing was changed.
    Known,
    /// The id is known with another type or other data. Nothing was changed.
    Conflict,
}

/// An event that is accepted and not planned yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedEvent {
    pub event: Event,
    /// The number of earlier plannings that began and did not end.
    pub tries: u32,
}

/// The maximum number of event bytes taken for planning in one call. A single larger event comes
/// alone.
pub const PLANNING_BYTES: usize = 1 << 20;

/// An endpoint with due deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueEndpoint {
    pub tenant: TenantId,
    pub endpoint: EndpointId,
    /// The moment at which its first delivery became due.
    pub at: Millis,
}

/// A request to claim up to `limit` due deliveries of an endpoint.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    pub tenant: TenantId,
    pub endpoint: EndpointId,
    pub limit: usize,
}

/// A delivery in flight under the claimer's lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub tenant: TenantId,
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    pub event: EventId,
    /// The request body.
    pub body: Bytes,
    /// The number of attempts since it was planned or last replayed.
    pub attempts_made: u32,
    /// The moment at which it became due.
    pub due: Millis,
    /// Identifies the claim; its outcome must name it.
    pub fence: Fence,
}

/// The outcome of a claim, with or without an attempt.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub tenant: TenantId,
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    /// The claim that the attempt was made under.
    pub fence: Fence,
    /// `None` if no attempt was made: the delivery is released, or buried without an attempt.
    pub attempt: Option<Attempt>,
    pub next: NextState,
}

/// The state that an outcome gives to its delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextState {
    Succeeded,
    /// Pending, due at that moment.
    Due(Millis),
    /// Dead, with this reason.
    Dead(String),
}
