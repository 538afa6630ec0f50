//! The waits between tries of something that fails.

use std::time::Duration;

/// Doubling waits, from the first to the longest. Each is drawn from its upper half, so that clients
/// of a failed server do not try again at the same moment.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

/// The waits for a store or a source: from 50 ms to 2 s.
impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(50), Duration::from_secs(2))
    }
}

impl Backoff {
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            failures: 0,
        }
    }

    /// Records a failure, and returns the wait before the next try.
    pub fn next_wait(&mut self) -> Duration {
        // The longest wait is reached long before 2^16 times the first one.
        let doubled = self.first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        doubled
            .min(self.longest)
            .mul_f64(0.5 + 0.5 * rand::random::<f64>())
    }

    /// Records a success: the next wait is the first one.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let millis = Duration::from_millis;
        let mut backoff = Backoff::new(millis(20), millis(2000));
        let mut expect = |longest: u64| {
            let drawn = backoff.next_wait();
            assert!(
                drawn <= millis(longest) && drawn >= millis(longest / 2),
                "{longest}: {drawn:?}"
            );
        };
        for longest in [20, 40, 80, 160, 320, 640, 1280, 2000, 2000] {
            expect(longest);
        }
        (0..100).for_each(|_| expect(2000));
        backoff.reset();
        assert!(backoff.next_wait() <= millis(20));
    }
}
