//! What happened.

use bytes::Bytes;

use super::{EventId, Millis};

/// The most bytes of an event's type.
pub const MAX_TYPE_BYTES: usize = 256;

/// An event of a tenant, as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    /// Dot-separated, for example `order.shipped`. Not empty, visible ASCII.
    pub kind: String,
    /// JSON text, byte for byte as it was published.
    pub data: Bytes,
    /// When it happened, by whoever published it; else when it was taken in.
    pub at: Millis,
    /// What keeps its order among the events of an endpoint that is `ordered`.
    pub ordering_key: Option<String>,
}
