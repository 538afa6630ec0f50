//! Patience with a client: how long it may keep the server waiting.

#![allow(
    clippy::disallowed_methods,
    reason = "clients are waited for in real time"
)]

use std::time::{Duration, Instant};

/// The rate at which bytes that move win time back. A client that is slower than this on average
/// counts as one that does not move at all.
const BYTES_PER_SECOND: u64 = 1024;

/// The wait after which a client gives way to others, where there is not enough for all.
pub(crate) const COURTESY: Duration = Duration::from_secs(1);

/// The interval at which a wait for a client checks how much is used up.
pub(crate) const TICK: Duration = Duration::from_millis(250);

/// The longest time between two looks of a guest that does nothing but wait.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// An allowance of time. Waiting for the client uses it up, and bytes that move restore it, so
/// that neither silence nor a trickle lasts for longer than it.
#[derive(Debug)]
pub(crate) struct Patience {
    allowance: Duration,
    left: Duration,
    waiting_since: Option<Instant>,
}

impl Patience {
    pub(crate) fn new(allowance: Duration) -> Self {
        Self {
            allowance,
            left: allowance,
            waiting_since: None,
        }
    }

    /// Begins a wait, unless one is under way. Returns the moment at which patience ends.
    pub(crate) fn wait(&mut self, now: Instant) -> Instant {
        *self.waiting_since.get_or_insert(now) + self.left
    }

    /// Ends a wait, in which `bytes` have moved.
    pub(crate) fn moved(&mut self, now: Instant, bytes: usize) {
        let waited = self.waited(now);
        self.waiting_since = None;
        let restored = bytes as u64 * 1000 / BYTES_PER_SECOND;
        let left = self.left.saturating_sub(waited) + Duration::from_millis(restored);
        self.left = left.min(self.allowance);
    }

    /// Takes `time` out of the wait under way, in which it was not the client that was waited for.
    pub(crate) fn forgive(&mut self, time: Duration) {
        self.waiting_since = self.waiting_since.map(|since| since + time);
    }

    /// The part of the allowance that is used up.
    pub(crate) fn used(&self, now: Instant) -> Duration {
        self.allowance - self.left.saturating_sub(self.waited(now))
    }

    /// Returns `true` while the client is waited for and the allowance is used up, or where others
    /// want what the client holds, a second of it.
    pub(crate) fn is_over(&self, now: Instant, others_wait: bool) -> bool {
        let used = self.used(now);
        let is_long = used >= self.allowance || (others_wait && used >= COURTESY);
        is_long && self.waiting_since.is_some()
    }

    fn waited(&self, now: Instant) -> Duration {
        self.waiting_since
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Duration = Duration::from_secs(30);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn silence_uses_it_up() {
        let start = Instant::now();
        let mut patience = Patience::new(ALLOWANCE);
        assert_eq!(patience.wait(start), start + ALLOWANCE);
        assert_eq!(patience.wait(start + seconds(10)), start + ALLOWANCE);
        assert!(!patience.is_over(start + seconds(29), false));
        assert!(patience.is_over(start + seconds(30), false));
    }

    #[test]
    fn a_trickle_uses_it_up_too() {
        let start = Instant::now();
        let mut patience = Patience::new(ALLOWANCE);
        for second in 0..31 {
            patience.wait(start + seconds(second));
            patience.moved(start + seconds(second + 1), 1);
        }
        assert!(!patience.is_over(start + seconds(31), false));
        patience.wait(start + seconds(31));
        assert!(patience.is_over(start + seconds(31), false));
    }

    #[test]
    fn a_client_that_keeps_up_never_uses_it_up() {
        let start = Instant::now();
        let mut patience = Patience::new(ALLOWANCE);
        for second in 0..1000 {
            patience.wait(start + seconds(second));
            patience.moved(start + seconds(second + 1), 2048);
        }
        assert_eq!(patience.used(start + seconds(1000)), Duration::ZERO);
    }

    #[test]
    fn time_that_is_forgiven_does_not_count() {
        let start = Instant::now();
        let mut patience = Patience::new(ALLOWANCE);
        patience.wait(start);
        patience.forgive(seconds(40));
        assert_eq!(patience.used(start + seconds(41)), seconds(1));
    }

    #[test]
    fn it_is_shorter_where_others_wait() {
        let start = Instant::now();
        let mut patience = Patience::new(ALLOWANCE);
        patience.wait(start);
        assert!(!patience.is_over(start + COURTESY / 2, true));
        assert!(patience.is_over(start + COURTESY, true));
    }
}
