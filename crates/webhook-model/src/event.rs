//! Events of tenants.

use bytes::Bytes;

use super::{EventId, Millis};

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
}
