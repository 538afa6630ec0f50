//! The binary records of events.

use bytes::Bytes;
use webhook_model::{DeliveryId, Event, EventId, Millis};

use super::encoding::{Reader, Unreadable, short, text};

/// Encodes an event: its metadata, then its data.
///
/// ```text
/// planned 8 · deliveries 2, each 1 + n · at 8 · type 2 + n · has key 1, key 2 + n · data
/// ```
pub(super) fn write_event(event: &Event, planned: Millis, deliveries: &[&DeliveryId]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + event.data.len() + 40 * deliveries.len());
    out.extend(planned.0.to_be_bytes());
    out.extend(
        u16::try_from(deliveries.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes(),
    );
    for id in deliveries {
        short(&mut out, id.as_str().as_bytes());
    }
    out.extend(event.at.0.to_be_bytes());
    text(&mut out, event.kind.as_bytes());
    out.push(event.ordering_key.is_some().into());
    text(
        &mut out,
        event.ordering_key.as_deref().unwrap_or_default().as_bytes(),
    );
    out.extend_from_slice(&event.data);
    out
}

/// A parsed record of an event.
pub(super) struct StoredEvent {
    pub event: Event,
    pub deliveries: Vec<DeliveryId>,
}

pub(super) fn read_event(id: &EventId, bytes: &Bytes) -> Result<StoredEvent, Unreadable> {
    parse_event(id, bytes).ok_or_else(|| Unreadable(format!("event `{id}`")))
}

fn parse_event(id: &EventId, bytes: &Bytes) -> Option<StoredEvent> {
    let mut from = Reader(bytes);
    from.u64()?;
    let deliveries = from.delivery_ids()?;
    let at = Millis(from.u64()?);
    let kind = from.string()?;
    let keyed = from.u8()? != 0;
    let key = from.string()?;
    let data = bytes.slice(bytes.len() - from.0.len()..);
    let ordering_key = keyed.then_some(key);
    let event = Event {
        id: id.clone(),
        kind,
        data,
        at,
        ordering_key,
    };
    Some(StoredEvent { event, deliveries })
}

/// Returns the type of an event whose record begins with `head`; `None` if `head` is too short.
pub(super) fn event_kind(head: &[u8]) -> Option<String> {
    let mut from = Reader(head);
    from.u64()?;
    for _ in 0..from.u16()? {
        from.short()?;
    }
    from.u64()?;
    from.string()
}

/// Returns the data of an event, without a copy.
pub(super) fn event_data(id: &EventId, bytes: &Bytes) -> Result<Bytes, Unreadable> {
    let data = || {
        let mut from = Reader(bytes);
        from.u64()?;
        for _ in 0..from.u16()? {
            from.short()?;
        }
        from.u64()?;
        from.text()?;
        from.u8()?;
        from.text()?;
        Some(bytes.slice(bytes.len() - from.0.len()..))
    };
    data().ok_or_else(|| Unreadable(format!("event `{id}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let event = Event {
            id: EventId::random(),
            kind: "order.shipped".into(),
            data: Bytes::from_static(b"\"\xff\0\""),
            at: Millis(9),
            ordering_key: Some(String::new()),
        };
        let id = DeliveryId::parse("one").unwrap();
        let bytes = Bytes::from(write_event(&event, Millis(1), &[&id]));
        let read = read_event(&event.id, &bytes).unwrap();
        assert_eq!((read.event, read.deliveries), (event.clone(), vec![id]));
        assert_eq!(event_data(&event.id, &bytes).unwrap(), event.data);
    }
}
