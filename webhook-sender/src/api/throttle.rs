//! Limits wrong tokens by client address.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::server::Peer;

/// The number of wrong tokens that an address may send in a row before it is throttled.
const BURST: u32 = 20;

/// The time after which an address may send one more.
const REFILL: Duration = Duration::from_secs(1);

/// The number of addresses that are remembered.
const ADDRESSES: usize = 4096;

/// The shortest time between two log lines about wrong tokens.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// Counts wrong tokens by address. A valid token is accepted from every address, so that clients behind
/// the same proxy cannot lock each other out.
#[derive(Default)]
pub struct Throttle {
    /// The time at which the wrong tokens of an address are used up again.
    spent: Mutex<HashMap<Peer, Instant>>,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    last: Option<Instant>,
    attempts: u64,
}

/// The result of a wrong token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleResult {
    Tolerated,
    /// The address must wait this long.
    Throttled(Duration),
}

impl Throttle {
    /// Records a wrong token.
    pub fn note(&self, peer: Peer, now: Instant) -> ThrottleResult {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() >= ADDRESSES && !spent.contains_key(&peer) {
            make_room(&mut spent, now);
        }
        let until = spent.entry(peer).or_insert(now);
        let next = (*until).max(now) + REFILL;
        match next.checked_duration_since(now + REFILL * BURST) {
            None | Some(Duration::ZERO) => {
                *until = next;
                ThrottleResult::Tolerated
            }
            Some(wait) => ThrottleResult::Throttled(wait),
        }
    }

    /// Counts a wrong token. Returns the count since the last log line if another line is due.
    pub fn attempts_to_log(&self, now: Instant) -> Option<u64> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.attempts += 1;
        if log.last.is_some_and(|last| now < last + LOG_EVERY) {
            return None;
        }
        log.last = Some(now);
        Some(std::mem::take(&mut log.attempts))
    }
}

/// Removes addresses whose time has passed, or else the one whose time passes first.
fn make_room(spent: &mut HashMap<Peer, Instant>, now: Instant) {
    spent.retain(|_, until| *until > now);
    if spent.len() >= ADDRESSES {
        let soonest = spent.iter().min_by_key(|(_, until)| **until);
        if let Some(peer) = soonest.map(|(peer, _)| *peer) {
            spent.remove(&peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u32) -> Peer {
        Peer::of(std::net::Ipv4Addr::from(n).into())
    }

    #[test]
    fn an_address_that_keeps_sending_wrong_tokens_has_to_wait_and_others_do_not() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..BURST {
            assert_eq!(throttle.note(peer(1), now), ThrottleResult::Tolerated);
        }
        assert_eq!(
            throttle.note(peer(1), now),
            ThrottleResult::Throttled(REFILL)
        );
        assert_eq!(throttle.note(peer(2), now), ThrottleResult::Tolerated);
        let later = now + REFILL;
        assert_eq!(throttle.note(peer(1), later), ThrottleResult::Tolerated);
        assert_eq!(
            throttle.note(peer(1), later),
            ThrottleResult::Throttled(REFILL)
        );
    }

    #[test]
    fn the_number_of_addresses_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..2 * u32::try_from(ADDRESSES).unwrap() {
            throttle.note(peer(n), now);
        }
        assert_eq!(throttle.spent.lock().unwrap().len(), ADDRESSES);
    }

    #[test]
    fn a_flood_of_wrong_tokens_is_one_log_line_a_second() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        assert_eq!(throttle.attempts_to_log(now), Some(1));
        for _ in 0..99 {
            assert_eq!(throttle.attempts_to_log(now), None);
        }
        assert_eq!(throttle.attempts_to_log(now + LOG_EVERY), Some(100));
    }
}
