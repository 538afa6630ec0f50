//! A tenant and its events.

use bytes::Bytes;
use webhook_model::{Event, EventId, Millis, Source, TenantId};

const NOW: Millis = Millis(1_800_000_000_000);

pub fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

/// Returns an event of type `order.shipped`.
pub fn event(id: &str, data: impl Into<Bytes>) -> Event {
    Event {
        id: EventId::parse(id).unwrap(),
        kind: "order.shipped".into(),
        data: data.into(),
        at: NOW,
        ordering_key: None,
        source: Source::API,
    }
}
