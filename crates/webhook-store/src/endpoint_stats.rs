//! Statistics of an endpoint, from counters by minute and by hour that are written with the outcomes.

use std::time::Duration;

use webhook_model::{Attempt, Millis};

/// The time for which the counters by minute are kept, at least.
pub const MINUTES_KEPT: Duration = Duration::from_secs(2 * 60 * 60);

/// The time for which the counters by hour are kept, at least.
pub const HOURS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The maximum number of pending deliveries that are counted for statistics.
pub const MAX_COUNTED: usize = 10_000;

/// The interval of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Interval {
    Minute,
    Hour,
}

/// The statistics of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointStats {
    /// Deliveries that are pending or in flight, counted up to [`MAX_COUNTED`].
    pub pending: u64,
    /// The due time of the delivery that is due longest, or will be due next.
    pub oldest_due: Option<Millis>,
    /// The intervals in which something was counted, the oldest first.
    pub series: Vec<Counters>,
}

/// The counters of an interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The start of the interval.
    pub at: Millis,
    /// Attempts that succeeded.
    pub succeeded: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Deliveries that became dead letters.
    pub dead: u64,
    /// The durations of all attempts.
    pub latencies: Histogram,
}

/// The number of durations up to each of [`BOUNDS_MS`], and of longer ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram([u64; BUCKETS]);

/// The upper bounds of the buckets of a [`Histogram`], inclusive, in milliseconds. Fixed: stored
/// counters contain the positions.
const BOUNDS_MS: [u32; BUCKETS - 1] = [
    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1_024, 1_536,
    2_048, 3_072, 4_096, 6_144, 8_192, 12_288, 16_384, 24_576, 32_768, 49_152,
];

const BUCKETS: usize = 32;

/// A counter of an interval, by its stored number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Counter(pub u8);

impl Counter {
    /// Returns the counters of an outcome.
    pub fn of_outcome(attempt: Option<&Attempt>, is_dead: bool) -> impl Iterator<Item = Self> {
        let attempt = attempt.map(|it| Self::of(it.error.is_none(), it.duration_ms));
        attempt.into_iter().chain(is_dead.then_some(Self::DEAD))
    }

    /// The number of the counter of dead letters.
    pub const DEAD: Self = Self(2 * BUCKETS as u8);

    /// Returns the counter of attempts with that result and about that duration.
    pub fn of(succeeded: bool, duration_ms: u32) -> Self {
        let bucket = BOUNDS_MS.partition_point(|bound| *bound < duration_ms) as u8;
        Self(if succeeded {
            bucket
        } else {
            bucket + BUCKETS as u8
        })
    }
}

impl Interval {
    /// Returns the duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Minute => 60,
            Self::Hour => 60 * 60,
        })
    }

    /// Returns the start of the interval that contains `at`.
    pub fn start(self, at: Millis) -> Millis {
        self.of_number(self.number(at))
    }

    /// Returns the number of the interval that contains `at`, from the Unix epoch on.
    pub(crate) fn number(self, at: Millis) -> i64 {
        at.as_i64() / self.millis()
    }

    /// Returns the start of the interval with this number.
    pub(crate) fn of_number(self, number: i64) -> Millis {
        Millis(number.saturating_mul(self.millis()).unsigned_abs())
    }

    /// Returns the number of an hour by that of a minute.
    pub(crate) fn hour_of_minute(minute: i64) -> i64 {
        minute / 60
    }

    fn millis(self) -> i64 {
        i64::try_from(self.duration().as_millis()).unwrap_or(1)
    }
}

impl EndpointStats {
    /// Returns the sums of all intervals.
    pub fn total(&self) -> Counters {
        let mut total = Counters::default();
        for counters in &self.series {
            total.succeeded += counters.succeeded;
            total.failed += counters.failed;
            total.dead += counters.dead;
            total.latencies.merge(&counters.latencies);
        }
        total
    }

    /// Adds a stored counter of the interval that starts at `at`. They arrive in the order of time.
    pub(crate) fn add(&mut self, at: Millis, counter: Counter, count: u64) {
        if self.series.last().is_none_or(|last| last.at != at) {
            self.series.push(Counters {
                at,
                ..Counters::default()
            });
        }
        if let Some(last) = self.series.last_mut() {
            last.add(counter, count);
        }
    }
}

impl Counters {
    fn add(&mut self, counter: Counter, count: u64) {
        if counter == Counter::DEAD {
            self.dead += count;
            return;
        }
        let bucket = usize::from(counter.0);
        let (sum, bucket) = if bucket < BUCKETS {
            (&mut self.succeeded, bucket)
        } else {
            (&mut self.failed, bucket - BUCKETS)
        };
        // A later version may have further counters.
        if let Some(latency) = self.latencies.0.get_mut(bucket) {
            *sum += count;
            *latency += count;
        }
    }
}

impl Histogram {
    /// Returns the duration in milliseconds that `percent` of the attempts did not exceed, within the
    /// bounds of its bucket; `None` without attempts.
    pub fn percentile(&self, percent: u8) -> Option<u32> {
        let total: u64 = self.0.iter().sum();
        let rank = (total * u64::from(percent.min(100))).div_ceil(100).max(1);
        let mut below = 0;
        for (bucket, count) in self.0.iter().enumerate() {
            if below + count >= rank {
                return Some(within(bucket, rank - below, *count));
            }
            below += count;
        }
        None
    }

    fn merge(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }
}

/// Returns the estimated duration of the attempt number `rank` of `count` in a bucket.
fn within(bucket: usize, rank: u64, count: u64) -> u32 {
    let bound = |bucket: usize| BOUNDS_MS.get(bucket).copied();
    let lower = bucket.checked_sub(1).and_then(bound).unwrap_or(0);
    // Longer durations than the last bound are reported as that bound.
    let width = u64::from(bound(bucket).unwrap_or(lower) - lower);
    lower + u32::try_from(width * rank / count.max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(durations: impl IntoIterator<Item = (bool, u32)>) -> EndpointStats {
        let mut stats = EndpointStats::default();
        for (succeeded, duration) in durations {
            stats.add(Millis(60_000), Counter::of(succeeded, duration), 1);
        }
        stats
    }

    #[test]
    fn a_percentile_is_within_the_bounds_of_its_bucket() {
        let total = stats((1..=1000).map(|ms| (true, ms))).total();
        for (percent, exact) in [(1, 10), (50, 500), (95, 950), (100, 1000)] {
            let found = f64::from(total.latencies.percentile(percent).unwrap());
            let exact = f64::from(exact);
            assert!((found / exact - 1.0).abs() < 0.1, "{percent}: {found}");
        }
        assert_eq!(Histogram::default().percentile(50), None);
        let slow = stats([(false, u32::MAX)]).total();
        assert_eq!(slow.latencies.percentile(50), Some(49_152));
    }

    #[test]
    fn attempts_and_dead_letters_are_counted_apart() {
        let mut stats = stats([(true, 0), (false, 49_153), (false, 1)]);
        stats.add(Millis(60_000), Counter::DEAD, 4);
        stats.add(Millis(120_000), Counter::of(true, 5), 2);
        stats.add(Millis(120_000), Counter(255), 9);
        let counts = |it: &Counters| (it.at.0, it.succeeded, it.failed, it.dead);
        let series: Vec<_> = stats.series.iter().map(counts).collect();
        assert_eq!(series, [(60_000, 1, 2, 4), (120_000, 2, 0, 0)]);
        assert_eq!(counts(&stats.total()), (0, 3, 2, 4));
    }

    #[test]
    fn an_interval_starts_at_a_full_minute_or_hour() {
        let at = Millis(3_600_000 * 7 + 60_000 * 5 + 1);
        assert_eq!(
            Interval::Minute.start(at),
            Millis(3_600_000 * 7 + 60_000 * 5)
        );
        assert_eq!(Interval::Hour.start(at), Millis(3_600_000 * 7));
    }
}
