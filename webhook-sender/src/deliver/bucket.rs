//! How fast an endpoint may be called.

use std::time::Duration;

use tokio::time::Instant;

/// How much of the rate may be used at once: with it a high rate is reached by attempts that start a
/// few at a time, and a low one is spaced evenly.
const BURST: Duration = Duration::from_millis(100);

const SECOND: u128 = 1_000_000_000;

/// Lets through `rate` attempts a second.
///
/// A bucket that is described by the moment at which it will be full (the generic cell rate
/// algorithm). Moments are counted in parts of a nanosecond, `rate` to each, so that an attempt costs
/// a whole number of them and nothing is lost to rounding, however long it runs.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: u32,
    start: Instant,
    full_at: u128,
}

impl Bucket {
    /// A full bucket. A rate of 0 is taken for 1.
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        Self {
            rate: rate.max(1),
            start: now,
            full_at: 0,
        }
    }

    pub(super) fn rate(&self) -> u32 {
        self.rate
    }

    /// How many attempts may start now; if none, from when on one may.
    pub(super) fn room(&self, now: Instant) -> Result<usize, Instant> {
        let latest = self.parts(now) + BURST.as_nanos() * u128::from(self.rate);
        let full_at = self.full_at.max(self.parts(now));
        match latest.checked_sub(full_at) {
            Some(left) => Ok(usize::try_from(left / SECOND + 1).unwrap_or(usize::MAX)),
            None => Err(self.moment(full_at - BURST.as_nanos() * u128::from(self.rate))),
        }
    }

    pub(super) fn take(&mut self, attempts: usize, now: Instant) {
        self.full_at = self.full_at.max(self.parts(now)) + attempts as u128 * SECOND;
    }

    /// Undoes a [`take`](Self::take) that was not used.
    pub(super) fn give_back(&mut self, attempts: usize) {
        self.full_at = self.full_at.saturating_sub(attempts as u128 * SECOND);
    }

    fn parts(&self, now: Instant) -> u128 {
        now.duration_since(self.start).as_nanos() * u128::from(self.rate)
    }

    fn moment(&self, parts: u128) -> Instant {
        let nanos = parts.div_ceil(u128::from(self.rate));
        self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many attempts start when everything is taken as soon as it is allowed.
    fn started(rate: u32, run: Duration) -> usize {
        let start = Instant::now();
        let mut bucket = Bucket::new(rate, start);
        let (mut now, mut total) = (start, 0);
        while now <= start + run {
            match bucket.room(now) {
                Ok(room) => {
                    bucket.take(room, now);
                    total += room;
                }
                Err(next) => {
                    assert!(next > now);
                    now = next;
                }
            }
        }
        total
    }

    #[test]
    fn the_rate_is_kept_over_an_hour_to_the_attempt() {
        for rate in [1, 3, 7, 10, 100, 333] {
            let burst = 1 + usize::try_from(rate / 10).unwrap();
            let hour = started(rate, Duration::from_secs(3600));
            assert_eq!(
                hour,
                3600 * usize::try_from(rate).unwrap() + burst,
                "{rate}"
            );
        }
    }

    #[test]
    fn time_that_was_not_used_is_not_saved_up() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, start);
        let later = start + Duration::from_secs(3600);
        assert_eq!(bucket.room(later), Ok(2));
        bucket.take(2, later);
        assert_eq!(bucket.room(later), Err(later + Duration::from_millis(100)));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let now = Instant::now();
        let mut bucket = Bucket::new(1, now);
        bucket.take(1, now);
        assert!(bucket.room(now).is_err());
        bucket.give_back(1);
        assert_eq!(bucket.room(now), Ok(1));
    }
}
