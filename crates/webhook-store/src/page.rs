//! Pages of lists, their cursors and filters.

use serde::{Deserialize, Serialize};
use webhook_model::{DeliveryId, DeliveryState, EndpointId, EventId, Millis, TenantId};

use crate::StatusFilter;

/// The end of a page, to continue from. Opaque to callers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The cursor of the next page; `None` at the end.
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// Converts each item, and keeps the cursor.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

/// A part of a count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountedPart {
    pub count: u64,
    /// The cursor of the next part; `None` at the end.
    pub next_cursor: Option<Cursor>,
}

/// A filter of deliveries. All fields that are set must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    pub delivery: Option<DeliveryId>,
    pub state: Option<DeliveryState>,
    pub endpoint: Option<EndpointId>,
    pub event: Option<EventId>,
    /// The exact type of the event.
    pub kind: Option<String>,
    /// The status of the last attempt.
    pub status: Option<StatusFilter>,
    /// Planned at this moment or later.
    pub from: Option<Millis>,
    /// Planned before this moment.
    pub to: Option<Millis>,
}

/// A filter of rejected events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RejectedFilter {
    All,
    /// The events of a tenant.
    Tenant(TenantId),
    /// The events that name no existing tenant.
    Unassigned,
    /// The event with this id.
    Id(String),
}

/// The maximum number of bytes of rejected events in a page. A single larger event comes alone,
/// because events are kept in full.
pub const PAGE_BYTES: usize = 8 << 20;

/// The numbers of waiting events and deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Events that are accepted and not planned yet.
    pub accepted: u64,
    /// Deliveries that wait for their due time, or for earlier ones of their ordering group.
    pub pending: u64,
    pub in_flight: u64,
    /// Dead deliveries and rejected events.
    pub dead: u64,
    /// The moment at which the delivery that is due longest became due.
    pub oldest_due: Option<Millis>,
}
