//! The statistics of endpoints.

use axum::http::StatusCode;
use serde::Deserialize;

use super::chart::Interval;
use super::error::PageError;
use super::moment::{Moment, duration};
use super::text::Text;
use super::visit::Visit;

/// The statistics of an endpoint over a window.
#[derive(Default, Deserialize)]
pub struct Stats {
    #[serde(default)]
    pub succeeded: u64,
    #[serde(default)]
    pub failed: u64,
    #[serde(default)]
    pub dead: u64,
    #[serde(default)]
    pub pending: u64,
    pub p50_ms: Option<u64>,
    pub p95_ms: Option<u64>,
    #[serde(default)]
    pub breaker: Text,
    pub oldest_due_age_seconds: Option<f64>,
    #[serde(default)]
    pub series: Vec<Bucket>,
}

/// An interval of the statistics.
#[derive(Clone, Copy, Deserialize)]
pub struct Bucket {
    pub at: Moment,
    pub succeeded: u64,
    pub failed: u64,
    pub p50_ms: Option<u64>,
    pub p95_ms: Option<u64>,
}

impl From<Bucket> for Interval {
    fn from(bucket: Bucket) -> Self {
        let Bucket {
            at,
            succeeded,
            failed,
            p50_ms,
            p95_ms,
        } = bucket;
        Self {
            at,
            succeeded,
            failed,
            p50_ms,
            p95_ms,
        }
    }
}

impl Stats {
    pub fn p50(&self) -> String {
        self.p50_ms.map_or("–".into(), duration)
    }

    pub fn p95(&self) -> String {
        self.p95_ms.map_or("–".into(), duration)
    }

    /// Returns how long the oldest due delivery has been waiting.
    pub fn oldest_due(&self) -> Option<String> {
        let seconds = self.oldest_due_age_seconds?;
        // Negative and absurd ages become the nearest that there is.
        Some(duration((seconds * 1000.0) as u64))
    }

    pub fn hours(&self) -> Vec<Interval> {
        self.series.iter().copied().map(Into::into).collect()
    }
}

/// Returns the statistics of an endpoint over the last `window`.
pub async fn of(visit: &Visit, endpoint: &str, window: &str) -> Result<Stats, PageError> {
    let route = visit.route("endpoints").push(endpoint).push("stats");
    match visit.get(route.query("window", window)).await {
        // Deleted since it was listed.
        Err(error) if error.status == StatusCode::NOT_FOUND => Ok(Stats::default()),
        found => found,
    }
}

/// Adds the counts of an endpoint to those of others, interval by interval.
pub fn add(sums: &mut Vec<Interval>, series: &[Bucket]) {
    for bucket in series {
        match sums.binary_search_by_key(&bucket.at, |sum| sum.at) {
            Ok(found) => {
                if let Some(sum) = sums.get_mut(found) {
                    sum.succeeded += bucket.succeeded;
                    sum.failed += bucket.failed;
                }
            }
            Err(place) => sums.insert(
                place,
                Interval {
                    p50_ms: None,
                    p95_ms: None,
                    ..Interval::from(*bucket)
                },
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use webhook_model::Millis;

    use super::*;

    #[test]
    fn the_counts_of_endpoints_are_added_by_interval() {
        let bucket = |at, succeeded| Bucket {
            at: Moment(Millis(at)),
            succeeded,
            failed: 1,
            p50_ms: Some(1),
            p95_ms: None,
        };
        let mut sums = Vec::new();
        add(&mut sums, &[bucket(1, 1), bucket(3, 1)]);
        add(&mut sums, &[bucket(2, 5), bucket(3, 2)]);
        let counts: Vec<_> = sums
            .iter()
            .map(|it| (it.at.0.0, it.succeeded, it.failed, it.p50_ms))
            .collect();
        assert_eq!(counts, [(1, 1, 1, None), (2, 5, 1, None), (3, 3, 2, None)]);
    }
}
