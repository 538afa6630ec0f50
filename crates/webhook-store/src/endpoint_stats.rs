//! Statistics of endpoints and tenants, from counters by minute and by hour. A tenant has sums of its own, so
//! that reading them costs the same for any number of endpoints.

use std::collections::BTreeMap;
use std::time::Duration;

use webhook_model::{Attempt, Millis};

use crate::recent_attempts::RecentAttempt;

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
    /// The attempts that ended last, the newest first, at most [`MAX_RECENT`](crate::MAX_RECENT).
    pub recent: Vec<RecentAttempt>,
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
    /// Deliveries that became dead letters, also without an attempt.
    pub dead: u64,
    /// The durations of all attempts; empty in the sums of a tenant.
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

    /// The number of the counter of a tenant's attempts that succeeded.
    pub const SUCCEEDED: Self = Self(2 * BUCKETS as u8 + 1);

    /// The number of the counter of a tenant's attempts that failed.
    pub const FAILED: Self = Self(2 * BUCKETS as u8 + 2);

    /// Returns the counter of the tenant that counts the same, without the duration.
    pub fn of_tenant(self) -> Self {
        match usize::from(self.0) {
            ..BUCKETS => Self::SUCCEEDED,
            bucket if bucket < 2 * BUCKETS => Self::FAILED,
            _ => self,
        }
    }

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

/// Stored counts by the number of their interval and the number of their counter.
pub(crate) type Counts = BTreeMap<(i64, u8), u64>;

/// Adds a stored count of a minute to those by minute or by hour.
pub(crate) fn add_minute(
    counts: &mut Counts,
    by: Interval,
    (minute, counter, count): (i64, u8, u64),
) {
    let at = match by {
        Interval::Minute => minute,
        Interval::Hour => Interval::hour_of_minute(minute),
    };
    *counts.entry((at, counter)).or_default() += count;
}

/// Returns the intervals of stored counts, the oldest first.
pub(crate) fn series(counts: Counts, by: Interval) -> Vec<Counters> {
    let mut series: Vec<Counters> = Vec::new();
    for ((number, counter), count) in counts {
        let at = by.of_number(number);
        if series.last().is_none_or(|last| last.at != at) {
            series.push(Counters {
                at,
                ..Counters::default()
            });
        }
        if let Some(last) = series.last_mut() {
            last.add(Counter(counter), count);
        }
    }
    series
}

impl Counters {
    /// Returns the sums of intervals.
    pub fn total(series: &[Self]) -> Self {
        let mut total = Self::default();
        for counters in series {
            total.succeeded += counters.succeeded;
            total.failed += counters.failed;
            total.dead += counters.dead;
            total.latencies.merge(&counters.latencies);
        }
        total
    }

    fn add(&mut self, counter: Counter, count: u64) {
        match counter {
            Counter::DEAD => self.dead += count,
            Counter::SUCCEEDED => self.succeeded += count,
            Counter::FAILED => self.failed += count,
            _ => self.add_attempts(counter, count),
        }
    }

    fn add_attempts(&mut self, counter: Counter, count: u64) {
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

    /// Returns the series of attempts with these results and durations in one minute.
    fn minute(attempts: impl IntoIterator<Item = (bool, u32)>) -> Vec<Counters> {
        let mut counts = Counts::new();
        for (succeeded, duration) in attempts {
            let Counter(counter) = Counter::of(succeeded, duration);
            add_minute(&mut counts, Interval::Minute, (1, counter, 1));
        }
        series(counts, Interval::Minute)
    }

    #[test]
    fn a_percentile_is_within_the_bounds_of_its_bucket() {
        let total = Counters::total(&minute((1..=1000).map(|ms| (true, ms))));
        for (percent, exact) in [(1, 10), (50, 500), (95, 950), (100, 1000)] {
            let found = f64::from(total.latencies.percentile(percent).unwrap());
            let exact = f64::from(exact);
            assert!((found / exact - 1.0).abs() < 0.1, "{percent}: {found}");
        }
        assert_eq!(Histogram::default().percentile(50), None);
        let slow = Counters::total(&minute([(false, u32::MAX)]));
        assert_eq!(slow.latencies.percentile(50), Some(49_152));
    }

    #[test]
    fn attempts_and_dead_letters_are_counted_apart() {
        let mut counts = Counts::new();
        let mut add = |minute, Counter(counter), count| {
            add_minute(&mut counts, Interval::Minute, (minute, counter, count));
        };
        for (succeeded, duration) in [(true, 0), (false, 49_153), (false, 1)] {
            add(1, Counter::of(succeeded, duration), 1);
        }
        add(1, Counter::DEAD, 4);
        add(2, Counter::of(true, 5), 2);
        add(2, Counter(255), 9);
        let series = series(counts, Interval::Minute);
        let counted = |it: &Counters| (it.at.0, it.succeeded, it.failed, it.dead);
        let all: Vec<_> = series.iter().map(counted).collect();
        assert_eq!(all, [(60_000, 1, 2, 4), (120_000, 2, 0, 0)]);
        assert_eq!(counted(&Counters::total(&series)), (0, 3, 2, 4));
    }

    #[test]
    fn a_tenant_counts_the_same_without_durations() {
        let counters = [
            Counter::of(true, 9),
            Counter::of(false, u32::MAX),
            Counter::DEAD,
        ];
        let sums = counters.map(Counter::of_tenant);
        assert_eq!(sums, [Counter::SUCCEEDED, Counter::FAILED, Counter::DEAD]);
        let counts = sums.map(|Counter(counter)| ((0, counter), 3));
        let total = Counters::total(&series(counts.into(), Interval::Hour));
        assert_eq!((total.succeeded, total.failed, total.dead), (3, 3, 3));
        assert_eq!(total.latencies.percentile(50), None);
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
