//! What passes through the queue.

use bytes::Bytes;
use webhook_model::{Attempt, DeliveryId, EndpointId, Event, EventId, Millis, TenantId};

use super::Fence;

/// Events of one tenant, planned against one version of its endpoints.
#[derive(Clone, Debug)]
pub struct PlanBatch {
    pub tenant: TenantId,
    /// What [`Tenants::endpoints`](crate::Tenants::endpoints) answered with them.
    pub version: u64,
    /// The claim that deliveries which start claimed belong to.
    pub fence: Fence,
    pub events: Vec<PlannedEvent>,
    /// Whether the events are the tenant's oldest accepted ones, in their order, and not new.
    pub accepted: bool,
}

/// An event and the deliveries to be made of it; none where no endpoint wants it.
#[derive(Clone, Debug)]
pub struct PlannedEvent {
    pub event: Event,
    pub deliveries: Vec<NewDelivery>,
}

/// A delivery to be.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    /// What is sent; `None`: the event's data as it is.
    pub body: Option<Bytes>,
    /// Whether it waits for those before it with the same ordering key, or with none.
    pub ordered: bool,
    pub start: InitialState,
}

/// Where a delivery starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitialState {
    /// In flight, under the planner's own lease. Ordered ones only if nothing is before them.
    Claimed,
    /// Due at that moment.
    Due(Millis),
    /// Dead, for this reason.
    Dead(String),
}

/// What came of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanResult {
    /// The endpoints have changed; nothing was kept. Load them and plan again.
    Stale,
    /// The tenant has accepted events, which new ones have to be planned behind; nothing was kept.
    Backlog,
    /// One for each event, in order.
    Done(Vec<Planned>),
}

/// What came of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// Kept. Of its deliveries these are in flight under the planner's lease.
    New { claimed: Vec<DeliveryId> },
    /// The id was known already, with this type and data: nothing was changed.
    Known,
    /// The id was known already, with another type or other data: nothing was changed.
    Conflict,
}

/// The result of accepting an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is kept, behind the tenant's other accepted events.
    New,
    /// The id was known already, with this type and data: nothing was changed.
    Known,
    /// The id was known already, with another type or other data: nothing was changed.
    Conflict,
}

/// An event that is accepted and not planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedEvent {
    pub event: Event,
    /// How often its planning began before and did not end.
    pub tries: u32,
}

/// The most bytes of events that are taken for planning in one call, but for a single larger one.
pub const PLANNING_BYTES: usize = 1 << 20;

/// An endpoint that has something due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueEndpoint {
    pub tenant: TenantId,
    pub endpoint: EndpointId,
    /// Since when.
    pub at: Millis,
}

/// How many deliveries of an endpoint there is room for.
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
    /// What is sent.
    pub body: Bytes,
    /// Attempts made since it was planned or replayed.
    pub attempts_made: u32,
    /// When it was due.
    pub due: Millis,
    /// What its outcome has to name.
    pub fence: Fence,
}

/// The result of an attempt, or of none.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub tenant: TenantId,
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    /// The claim that the attempt was made under.
    pub fence: Fence,
    /// `None` where none was made: the delivery is released or buried untried.
    pub attempt: Option<Attempt>,
    pub next: NextState,
}

/// What becomes of the delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextState {
    Succeeded,
    /// Pending, due at that moment.
    Due(Millis),
    /// Dead, for this reason.
    Dead(String),
}
