//! Looking at what a store has, a page at a time.

use serde::{Deserialize, Serialize};
use webhook_model::{DeliveryId, DeliveryState, EndpointId, EventId, Millis, TenantId};

/// Where a page ended. Opaque to those who pass it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next_cursor: Option<Cursor>,
}

/// Which deliveries: all whose parts are as given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    pub delivery: Option<DeliveryId>,
    pub state: Option<DeliveryState>,
    pub endpoint: Option<EndpointId>,
    pub event: Option<EventId>,
    /// Planned at this moment or later.
    pub from: Option<Millis>,
    /// Planned before this moment.
    pub to: Option<Millis>,
}

/// Which rejected events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RejectedFilter {
    All,
    /// Those of a tenant.
    Tenant(TenantId),
    /// Those that name no tenant that exists.
    Unassigned,
    /// The one with this id.
    Id(String),
}

/// The most bytes of rejected events in a page, but for a single larger one: each is kept in full.
pub const PAGE_BYTES: usize = 8 << 20;

/// How much is waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Events that are accepted and not planned.
    pub accepted: u64,
    /// Deliveries that wait for their time or their turn.
    pub pending: u64,
    pub in_flight: u64,
    /// Dead deliveries and rejected events.
    pub dead: u64,
    /// When the longest due delivery was due.
    pub oldest_due: Option<Millis>,
}
