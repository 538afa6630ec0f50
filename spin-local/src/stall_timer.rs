//! Timers for slow clients: the time that a client can keep the server waiting.

#![allow(
    clippy::disallowed_methods,
    reason = "clients are waited for in real time"
)]

use std::time::{Duration, Instant};

/// The rate at which transferred bytes restore the time limit. A client that is slower on average
/// eventually exceeds the limit.
const MIN_BYTES_PER_SECOND: u64 = 1024;

/// The wait after which a client counts as slow: it is disconnected if others need its resources.
pub(crate) const SLOW_AFTER: Duration = Duration::from_secs(1);

/// The interval of checks during a wait for a client.
pub(crate) const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// The longest time between two polls by a guest that only waits.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A time limit on waiting for a client. Transferred bytes restore the time, so that neither
/// silence nor a trickle lasts longer than the limit.
#[derive(Debug)]
pub(crate) struct StallTimer {
    limit: Duration,
    left: Duration,
    waiting_since: Option<Instant>,
}

impl StallTimer {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            left: limit,
            waiting_since: None,
        }
    }

    /// Starts a wait, unless one is in progress. Returns the time at which the limit is reached.
    pub(crate) fn start_wait(&mut self, now: Instant) -> Instant {
        *self.waiting_since.get_or_insert(now) + self.left
    }

    /// Ends the wait, during which `bytes` were transferred.
    pub(crate) fn end_wait(&mut self, now: Instant, bytes: usize) {
        let waited = self.waited(now);
        self.waiting_since = None;
        let restored = bytes as u64 * 1000 / MIN_BYTES_PER_SECOND;
        let left = self.left.saturating_sub(waited) + Duration::from_millis(restored);
        self.left = left.min(self.limit);
    }

    /// Excludes `time` from the current wait, because the client did not cause it.
    pub(crate) fn exclude(&mut self, time: Duration) {
        self.waiting_since = self.waiting_since.map(|since| since + time);
    }

    /// Returns the part of the limit that is used.
    pub(crate) fn used(&self, now: Instant) -> Duration {
        self.limit - self.left.saturating_sub(self.waited(now))
    }

    /// Returns `true` during a wait if the limit is used, or [`SLOW_AFTER`] of it while others wait
    /// for a permit.
    pub(crate) fn is_exceeded(&self, now: Instant, others_wait: bool) -> bool {
        let used = self.used(now);
        let is_long = used >= self.limit || (others_wait && used >= SLOW_AFTER);
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

    const LIMIT: Duration = Duration::from_secs(30);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn silence_uses_the_limit() {
        let start = Instant::now();
        let mut timer = StallTimer::new(LIMIT);
        assert_eq!(timer.start_wait(start), start + LIMIT);
        assert_eq!(timer.start_wait(start + seconds(10)), start + LIMIT);
        assert!(!timer.is_exceeded(start + seconds(29), false));
        assert!(timer.is_exceeded(start + seconds(30), false));
    }

    #[test]
    fn a_trickle_uses_the_limit() {
        let start = Instant::now();
        let mut timer = StallTimer::new(LIMIT);
        for second in 0..31 {
            timer.start_wait(start + seconds(second));
            timer.end_wait(start + seconds(second + 1), 1);
        }
        assert!(!timer.is_exceeded(start + seconds(31), false));
        timer.start_wait(start + seconds(31));
        assert!(timer.is_exceeded(start + seconds(31), false));
    }

    #[test]
    fn a_client_that_keeps_up_uses_nothing_of_the_limit() {
        let start = Instant::now();
        let mut timer = StallTimer::new(LIMIT);
        for second in 0..1000 {
            timer.start_wait(start + seconds(second));
            timer.end_wait(start + seconds(second + 1), 2048);
        }
        assert_eq!(timer.used(start + seconds(1000)), Duration::ZERO);
    }

    #[test]
    fn excluded_time_does_not_count() {
        let start = Instant::now();
        let mut timer = StallTimer::new(LIMIT);
        timer.start_wait(start);
        timer.exclude(seconds(40));
        assert_eq!(timer.used(start + seconds(41)), seconds(1));
    }

    #[test]
    fn the_limit_is_shorter_while_others_wait() {
        let start = Instant::now();
        let mut timer = StallTimer::new(LIMIT);
        timer.start_wait(start);
        assert!(!timer.is_exceeded(start + SLOW_AFTER / 2, true));
        assert!(timer.is_exceeded(start + SLOW_AFTER, true));
    }
}
