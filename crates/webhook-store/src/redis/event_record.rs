//! The binary records of events.

use bytes::Bytes;
use webhook_model::{DeliveryId, Event, EventId, Millis, Source};

use super::encoding::{Reader, Unreadable, joined, short, text};

/// Encodes an event: its metadata, then its data.
///
/// ```text
/// planned 8 · deliveries 2, each 1 + n · at 8 · type 2 + n · has key 1, key and source 2 + n · data
/// ```
///
/// A line feed precedes the source, which no ordering key contains. Records of earlier versions have
/// no source.
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
    let key = event.ordering_key.as_deref().unwrap_or_default();
    let source = event.source.as_str().as_bytes();
    joined(&mut out, &[key.as_bytes(), b"\n", source]);
    out.extend_from_slice(&event.data);
    out
}

/// A parsed record of an event.
pub(super) struct StoredEvent {
    pub event: Event,
    /// The time of planning, or of acceptance if it is not planned.
    pub planned_at: Millis,
    pub deliveries: Vec<DeliveryId>,
}

/// The fields of a record before the data.
struct Head<'a> {
    planned_at: Millis,
    /// The ids of the deliveries, with their number.
    deliveries: &'a [u8],
    at: Millis,
    kind: &'a [u8],
    has_key: bool,
    key_and_source: &'a [u8],
}

impl<'a> Head<'a> {
    /// Parses the fields, and leaves the data to be read.
    fn parse(from: &mut Reader<'a>) -> Option<Self> {
        let planned_at = Millis(from.u64()?);
        let start = from.0;
        for _ in 0..from.u16()? {
            from.short()?;
        }
        Some(Self {
            planned_at,
            deliveries: &start[..start.len() - from.0.len()],
            at: Millis(from.u64()?),
            kind: from.text()?,
            has_key: from.u8()? != 0,
            key_and_source: from.text()?,
        })
    }

    fn kind(&self) -> String {
        String::from_utf8_lossy(self.kind).into_owned()
    }

    fn key_and_source(&self) -> (Option<String>, Source) {
        let text = String::from_utf8_lossy(self.key_and_source);
        let (key, source) = match text.rsplit_once('\n') {
            Some((key, source)) => (key, Source::named(source)),
            None => (&*text, Source::UNKNOWN),
        };
        (self.has_key.then(|| key.to_owned()), source)
    }
}

pub(super) fn read_event(id: &EventId, bytes: &Bytes) -> Result<StoredEvent, Unreadable> {
    parse_event(id, bytes).ok_or_else(|| Unreadable(format!("event `{id}`")))
}

fn parse_event(id: &EventId, bytes: &Bytes) -> Option<StoredEvent> {
    let mut from = Reader(bytes);
    let head = Head::parse(&mut from)?;
    let (ordering_key, source) = head.key_and_source();
    let event = Event {
        id: id.clone(),
        kind: head.kind(),
        data: bytes.slice(bytes.len() - from.0.len()..),
        at: head.at,
        ordering_key,
        source,
    };
    Some(StoredEvent {
        event,
        planned_at: head.planned_at,
        deliveries: Reader(head.deliveries).delivery_ids()?,
    })
}

/// Returns the event whose record begins with `start`, with empty data; `None` if `start` is too short.
pub(super) fn event_without_data(id: &EventId, start: &[u8]) -> Option<Event> {
    let mut from = Reader(start);
    let head = Head::parse(&mut from)?;
    let (ordering_key, source) = head.key_and_source();
    Some(Event {
        id: id.clone(),
        kind: head.kind(),
        data: Bytes::new(),
        at: head.at,
        ordering_key,
        source,
    })
}

/// Returns the data of an event, without a copy.
pub(super) fn event_data(id: &EventId, bytes: &Bytes) -> Result<Bytes, Unreadable> {
    let mut from = Reader(bytes);
    match Head::parse(&mut from) {
        Some(_) => Ok(bytes.slice(bytes.len() - from.0.len()..)),
        None => Err(Unreadable(format!("event `{id}`"))),
    }
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
            source: Source::named("orders"),
        };
        let id = DeliveryId::parse("one").unwrap();
        let bytes = Bytes::from(write_event(&event, Millis(1), &[&id]));
        let read = read_event(&event.id, &bytes).unwrap();
        assert_eq!((read.event, read.deliveries), (event.clone(), vec![id]));
        assert_eq!(event_data(&event.id, &bytes).unwrap(), event.data);
        let size = bytes.len() - event.data.len();
        let without_data = Event {
            data: Bytes::new(),
            ..event.clone()
        };
        for end in 0..bytes.len() {
            let head = event_without_data(&event.id, &bytes[..end]);
            assert_eq!(head, (end >= size).then(|| without_data.clone()));
        }
    }

    #[test]
    fn a_record_of_an_earlier_version_has_an_unknown_source() {
        for (has_key, key) in [(0, None), (1, Some("k"))] {
            let mut bytes = [&1_u64.to_be_bytes()[..], &0_u16.to_be_bytes()].concat();
            bytes.extend(9_u64.to_be_bytes());
            text(&mut bytes, b"a.b");
            bytes.push(has_key);
            text(&mut bytes, key.unwrap_or_default().as_bytes());
            bytes.extend(b"[1]");
            let id = EventId::random();
            let event = read_event(&id, &Bytes::from(bytes)).unwrap().event;
            assert_eq!((event.at, &event.data[..]), (Millis(9), &b"[1]"[..]));
            assert_eq!(event.ordering_key.as_deref(), key);
            assert_eq!(event.source, Source::UNKNOWN);
        }
    }
}
