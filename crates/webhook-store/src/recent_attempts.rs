//! The last attempts of an endpoint, in a form that a store keeps beside its counters.

use std::cmp::Reverse;

use webhook_model::{Attempt, Millis};

/// The number of an endpoint's last attempts that are kept.
pub const MAX_RECENT: usize = 50;

/// An attempt without its request, its response and its error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentAttempt {
    pub at: Millis,
    /// The status of the response; `None` without one.
    pub status: Option<u16>,
    pub succeeded: bool,
    pub duration_ms: u32,
}

/// The length of a stored attempt: its time (8 bytes), status (2), an unused byte, duration (4) and flags
/// (1). Those are also the first bytes of an attempt in Redis: see `redis/record.rs`.
pub(crate) const STORED: usize = 16;

/// The flag of an attempt that failed.
const FAILED: u8 = 1;

impl From<&Attempt> for RecentAttempt {
    fn from(attempt: &Attempt) -> Self {
        Self {
            at: attempt.at,
            status: attempt.status,
            succeeded: attempt.error.is_none(),
            duration_ms: attempt.duration_ms,
        }
    }
}

impl RecentAttempt {
    /// Returns the bytes to store.
    pub(crate) fn to_bytes(self) -> [u8; STORED] {
        let mut out = [0; STORED];
        out[..8].copy_from_slice(&self.at.0.to_be_bytes());
        out[8..10].copy_from_slice(&self.status.unwrap_or(0).to_be_bytes());
        out[11..15].copy_from_slice(&self.duration_ms.to_be_bytes());
        out[15] = if self.succeeded { 0 } else { FAILED };
        out
    }

    /// Reads stored bytes.
    fn read(bytes: &[u8; STORED]) -> Self {
        let [
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            t6,
            t7,
            s0,
            s1,
            _,
            d0,
            d1,
            d2,
            d3,
            flags,
        ] = *bytes;
        let status = u16::from_be_bytes([s0, s1]);
        Self {
            at: Millis(u64::from_be_bytes([t0, t1, t2, t3, t4, t5, t6, t7])).min(Millis::NEVER),
            status: (status > 0).then_some(status),
            succeeded: flags & FAILED == 0,
            duration_ms: u32::from_be_bytes([d0, d1, d2, d3]),
        }
    }

    /// Reads attempts that were stored one after the other, and returns them with the newest first.
    /// Several processes write attempts of the same second one after the other. An incomplete one at the
    /// end is ignored.
    pub(crate) fn read_all(bytes: &[u8]) -> Vec<Self> {
        let (all, _) = bytes.as_chunks::<STORED>();
        let mut all: Vec<Self> = all.iter().map(Self::read).collect();
        all.sort_by_key(|attempt| Reverse(attempt.at));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_read_as_it_was_stored() {
        let attempts = [
            (3, Some(503), false),
            (2, None, false),
            (1, Some(204), true),
        ];
        let attempts = attempts.map(|(at, status, succeeded)| RecentAttempt {
            at: Millis(1_800_000_000_123 + at),
            status,
            succeeded,
            duration_ms: u32::MAX,
        });
        let mut stored = attempts.map(RecentAttempt::to_bytes).concat();
        stored.extend(b"rest");
        assert_eq!(RecentAttempt::read_all(&stored), attempts);
        // Another process wrote the newest one before the others.
        stored.rotate_left(STORED);
        stored.truncate(attempts.len() * STORED);
        assert_eq!(
            RecentAttempt::read_all(&stored[..2 * STORED]),
            attempts[1..]
        );
    }
}
