//! The rate limiter of an endpoint.

use std::time::Duration;

use tokio::time::Instant;

/// The part of the rate that may be used at once. A high rate is reached by starting a few attempts
/// at a time; a low one is spaced evenly.
const BURST: Duration = Duration::from_millis(100);

const SECOND: u128 = 1_000_000_000;

/// Allows `rate` attempts per second.
///
/// A token bucket in the form of the generic cell rate algorithm, which stores the moment at which
/// the bucket will be full. Moments are counted in parts of a nanosecond, `rate` parts each, so
/// that an attempt costs a whole number of parts and no rounding error accumulates.
#[derive(Debug)]
pub(super) struct RateLimiter {
    rate: u32,
    start: Instant,
    full_at: u128,
}

impl RateLimiter {
    /// Returns a limiter with a full bucket. A rate of 0 counts as 1.
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

    /// Returns the number of attempts that may start now.
    ///
    /// # Errors
    ///
    /// The moment from which on an attempt may start, if none may start now.
    pub(super) fn available(&self, now: Instant) -> Result<usize, Instant> {
        let latest = self.parts(now) + BURST.as_nanos() * u128::from(self.rate);
        let full_at = self.full_at.max(self.parts(now));
        match latest.checked_sub(full_at) {
            Some(left) => Ok(usize::try_from(left / SECOND + 1).unwrap_or(usize::MAX)),
            None => Err(self.moment(full_at - BURST.as_nanos() * u128::from(self.rate))),
        }
    }

    pub(super) fn acquire(&mut self, attempts: usize, now: Instant) {
        self.full_at = self.full_at.max(self.parts(now)) + attempts as u128 * SECOND;
    }

    /// Undoes an [`acquire`](Self::acquire) whose attempts were not made.
    pub(super) fn release(&mut self, attempts: usize) {
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

    /// Returns the number of attempts that start if each is acquired as soon as it is allowed.
    fn started(rate: u32, run: Duration) -> usize {
        let start = Instant::now();
        let mut limiter = RateLimiter::new(rate, start);
        let (mut now, mut total) = (start, 0);
        while now <= start + run {
            match limiter.available(now) {
                Ok(count) => {
                    limiter.acquire(count, now);
                    total += count;
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
    fn the_rate_is_exact_over_an_hour() {
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
    fn unused_time_does_not_accumulate() {
        let start = Instant::now();
        let mut limiter = RateLimiter::new(10, start);
        let later = start + Duration::from_secs(3600);
        assert_eq!(limiter.available(later), Ok(2));
        limiter.acquire(2, later);
        assert_eq!(
            limiter.available(later),
            Err(later + Duration::from_millis(100))
        );
    }

    #[test]
    fn a_released_attempt_can_be_acquired_again() {
        let now = Instant::now();
        let mut limiter = RateLimiter::new(1, now);
        limiter.acquire(1, now);
        assert!(limiter.available(now).is_err());
        limiter.release(1);
        assert_eq!(limiter.available(now), Ok(1));
    }
}
