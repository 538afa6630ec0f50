//! The binary records of deliveries.
//!
//! A delivery is one string, which the scripts parse too (`scripts/prelude.lua`). Fields that change
//! precede those that do not, and attempts are appended, so that a script changes the state by
//! concatenating two parts. Numbers are big-endian; sizes are in bytes.
//!
//! ```text
//! state   1   P pending, W waits for its ordering group, F in flight, S succeeded, D dead
//! owner   1 + n   F: the incarnation of its owner, and the fence of its claim (16); else empty
//! when    8   P, W, F: due time; S, D: time of the end (ms)
//! made    2   attempts since it was planned or replayed
//! flags   1   1: ordered, 2: has its own body, 4: its event was erased, 8: it is in the list of those whose
//!             last attempt failed
//! reason  2 + n   D: the reason
//! ── the following fields never change ──
//! score   8   time of planning in ms × 1024, plus a number within the millisecond
//! event   2 + n
//! endpoint 1 + n
//! group   2 + n   ordered: the position in the order of planning, 8; then nothing without an
//!                 ordering key, else `k` and the key
//! attempts    4 + n each
//! ```
//!
//! ```text
//! at       8
//! status   2   0: no response
//! phase    1   0: none
//! duration 4   in ms
//! flags    1   1: has an error, 2: has a response, 4: has an exchange
//! error    2 + n
//! response 2 + n   of an attempt that an earlier version recorded: the start of the body
//! exchange 4 + n   with the flag 4: its request and response
//! claim    8       the number of its claim
//! ```

use bytes::Bytes;
use webhook_model::{
    Attempt, Delivery, DeliveryId, DeliveryState, EndpointId, EventId, Exchange, Millis, Phase,
};

use super::encoding::{Reader, Unreadable, short, text};
use super::scores::time_of;
use crate::Fence;

pub(super) const ORDERED: u8 = 1;
pub(super) const OWN_BODY: u8 = 2;
const ERASED: u8 = 4;

/// The fields of a new delivery's record.
pub(super) struct NewRecord<'a> {
    pub state: u8,
    pub owner: &'a [u8],
    pub when: Millis,
    pub flags: u8,
    pub reason: &'a str,
    pub score: u64,
    pub event: &'a EventId,
    pub endpoint: &'a EndpointId,
    pub ordering_group: &'a [u8],
}

impl NewRecord<'_> {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96 + self.reason.len() + self.ordering_group.len());
        out.push(self.state);
        short(&mut out, self.owner);
        out.extend(self.when.0.to_be_bytes());
        out.extend(0_u16.to_be_bytes());
        out.push(self.flags);
        text(&mut out, self.reason.as_bytes());
        out.extend(self.score.to_be_bytes());
        text(&mut out, self.event.as_str().as_bytes());
        short(&mut out, self.endpoint.as_str().as_bytes());
        text(&mut out, self.ordering_group);
        out
    }
}

/// A parsed record of a delivery.
pub(super) struct Record {
    pub state: u8,
    pub when: Millis,
    pub attempts_made: u16,
    pub flags: u8,
    pub reason: String,
    pub score: u64,
    pub event: EventId,
    pub endpoint: EndpointId,
    pub attempts: Vec<Attempt>,
}

impl Record {
    pub(super) fn read(id: &DeliveryId, bytes: &[u8]) -> Result<Self, Unreadable> {
        Self::parse(bytes).ok_or_else(|| Unreadable(format!("delivery `{id}`")))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        let state = from.u8()?;
        from.short()?;
        let when = Millis(from.u64()?).min(Millis::NEVER);
        let (attempts_made, flags) = (from.u16()?, from.u8()?);
        let reason = from.string()?;
        let score = from.u64()?;
        let event = EventId::parse(&from.string()?).ok()?;
        let endpoint = EndpointId::parse(std::str::from_utf8(from.short()?).ok()?).ok()?;
        from.text()?;
        let mut attempts = Vec::new();
        while !from.0.is_empty() {
            let len = usize::try_from(from.u32()?).ok()?;
            attempts.push(read_attempt(from.take(len)?)?);
        }
        Some(Self {
            state,
            when,
            attempts_made,
            flags,
            reason,
            score,
            event,
            endpoint,
            attempts,
        })
    }

    pub(super) fn state(&self) -> DeliveryState {
        match self.state {
            b'F' => DeliveryState::InFlight,
            b'S' => DeliveryState::Succeeded,
            b'D' => DeliveryState::Dead,
            _ => DeliveryState::Pending,
        }
    }

    /// Returns the time of planning.
    pub(super) fn created_at(&self) -> Millis {
        time_of(self.score)
    }

    /// Returns whether the request body is not the event's data.
    pub(super) fn has_own_body(&self) -> bool {
        self.flags & OWN_BODY != 0
    }

    /// Returns whether the event was erased.
    pub(super) fn is_erased(&self) -> bool {
        self.flags & ERASED != 0
    }

    /// Removes the requests and responses of the attempts, which only some records in lists have.
    pub(super) fn without_exchanges(mut self) -> Self {
        for attempt in &mut self.attempts {
            attempt.exchange = Exchange::default();
        }
        self
    }

    /// Converts it to a delivery; `kind` is the type of its event.
    pub(super) fn into_delivery(self, id: DeliveryId, kind: String) -> Delivery {
        Delivery {
            id,
            kind,
            state: self.state(),
            created_at: self.created_at(),
            // A delivery that waits for its ordering group has no due time.
            next_attempt_at: (self.state == b'P').then_some(self.when),
            reason: (self.state == b'D').then_some(self.reason),
            event: self.event,
            endpoint: self.endpoint,
            attempts: self.attempts,
        }
    }
}

/// Encodes an attempt with its length in front, for the end of a record.
pub(super) fn write_attempt(attempt: &Attempt, fence: Fence) -> Vec<u8> {
    let error = attempt.error.as_deref().map(str::as_bytes);
    let exchange = attempt.exchange.as_bytes();
    let mut out = Vec::with_capacity(40 + exchange.len());
    out.extend([0; 4]);
    out.extend(attempt.at.0.to_be_bytes());
    out.extend(attempt.status.unwrap_or_default().to_be_bytes());
    out.push(attempt.phase.map_or(0, phase_number));
    out.extend(attempt.duration_ms.to_be_bytes());
    out.push(u8::from(error.is_some()) | u8::from(!exchange.is_empty()) << 2);
    text(&mut out, error.unwrap_or_default());
    text(&mut out, b"");
    if !exchange.is_empty() {
        let len = u32::try_from(exchange.len()).unwrap_or(u32::MAX);
        out.extend(len.to_be_bytes());
        out.extend_from_slice(exchange);
    }
    out.extend(fence.count.to_be_bytes());
    let len = u32::try_from(out.len() - 4).unwrap_or(u32::MAX);
    out[..4].copy_from_slice(&len.to_be_bytes());
    out
}

fn read_attempt(bytes: &[u8]) -> Option<Attempt> {
    let mut from = Reader(bytes);
    let (at, status, phase) = (Millis(from.u64()?), from.u16()?, from.u8()?);
    let (duration_ms, present) = (from.u32()?, from.u8()?);
    let (error, response) = (from.string()?, from.string()?);
    let exchange = if present & 4 != 0 {
        let len = usize::try_from(from.u32()?).ok()?;
        Exchange::from_stored(Bytes::copy_from_slice(from.take(len)?))
    } else if present & 2 != 0 {
        Exchange::of_text(&response)
    } else {
        Exchange::default()
    };
    Some(Attempt {
        at,
        status: (status != 0).then_some(status),
        error: (present & 1 != 0).then_some(error),
        phase: Phase::ALL
            .into_iter()
            .find(|known| phase_number(*known) == phase),
        duration_ms,
        exchange,
    })
}

fn phase_number(phase: Phase) -> u8 {
    match phase {
        Phase::Address => 1,
        Phase::Connect => 2,
        Phase::Send => 3,
        Phase::Respond => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::super::scores::SCORES_PER_MS;
    use super::*;

    fn attempt() -> Attempt {
        Attempt {
            at: Millis(1_700_000_000_123),
            status: Some(503),
            error: Some("status 503".into()),
            phase: Some(Phase::Respond),
            duration_ms: 12,
            exchange: Exchange::from_stored(Bytes::from_static(b"\x01\0\xff")),
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let (event, endpoint) = (EventId::random(), EndpointId::random());
        let new = NewRecord {
            state: b'D',
            owner: b"",
            when: Millis(7),
            flags: ORDERED,
            reason: "no such field",
            score: 5 * SCORES_PER_MS + 3,
            event: &event,
            endpoint: &endpoint,
            ordering_group: b"k\xff\0",
        };
        let mut bytes = new.write();
        bytes.extend(write_attempt(&attempt(), Fence::new(Millis(7))));
        let id = DeliveryId::parse("one").unwrap();
        let delivery = Record::read(&id, &bytes)
            .unwrap()
            .into_delivery(id.clone(), "a.b".into());
        assert_eq!(delivery.created_at, Millis(5));
        assert_eq!(delivery.reason.as_deref(), Some("no such field"));
        assert_eq!(delivery.attempts, [attempt()]);
        assert_eq!((delivery.event, delivery.endpoint), (event, endpoint));
        for cut in 0..bytes.len() - 1 {
            // A truncated record is an error, or has fewer attempts; it never causes a panic.
            let _ = Record::read(&id, &bytes[..cut]);
        }
    }
}
