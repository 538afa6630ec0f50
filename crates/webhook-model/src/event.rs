//! Events of tenants.

use bytes::Bytes;

use super::{EventId, Millis, Source};

/// The maximum number of bytes of an event's type.
pub const MAX_TYPE_BYTES: usize = 256;

/// An event of a tenant, as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    /// Dot-separated, for example `order.shipped`. Not empty, visible ASCII.
    pub kind: String,
    /// JSON text, byte for byte as it was published.
    pub data: Bytes,
    /// The time that the publisher gave, else the time of acceptance.
    pub at: Millis,
    /// The key of its ordering group at endpoints that are `ordered`.
    pub ordering_key: Option<String>,
    /// The source that it was first accepted from.
    pub source: Source,
}

/// The state of an event: `accepted → planned | rejected`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventState {
    /// Waits to be planned.
    Accepted,
    /// Its deliveries are created.
    Planned,
    /// Could not be planned: see [`Rejected`](crate::Rejected).
    Rejected,
}

impl EventState {
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Planned, Self::Rejected];

    /// Returns the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Planned => "planned",
            Self::Rejected => "rejected",
        }
    }

    /// Returns the state of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}
