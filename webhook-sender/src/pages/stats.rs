//! The statistics of endpoints.

use axum::http::StatusCode;
use serde::Deserialize;
use webhook_model::Millis;

use super::chart::{Interval, Mark};
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
    /// The newest first.
    #[serde(default)]
    pub last_attempts: Vec<LastAttempt>,
}

/// The sums of a tenant over a window.
#[derive(Default, Deserialize)]
pub struct Sums {
    pub succeeded: u64,
    pub failed: u64,
    pub dead: u64,
    pub series: Vec<Bucket>,
}

/// An attempt of an endpoint.
#[derive(Clone, Copy, Deserialize)]
pub struct LastAttempt {
    pub at: Moment,
    pub succeeded: bool,
    pub status: Option<u16>,
}

impl From<LastAttempt> for Mark {
    fn from(attempt: LastAttempt) -> Self {
        let LastAttempt {
            at,
            succeeded,
            status,
        } = attempt;
        let result = match status {
            Some(status) => status.to_string(),
            None if succeeded => "succeeded".to_owned(),
            None => "failed without a response".to_owned(),
        };
        Self {
            succeeded,
            result,
            at,
        }
    }
}

/// An interval of the statistics.
#[derive(Clone, Copy, Deserialize)]
pub struct Bucket {
    pub at: Moment,
    pub succeeded: u64,
    pub failed: u64,
    /// Only of one endpoint.
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
}

/// The intervals of the charts.
const HOUR: u64 = 60 * 60 * 1000;

/// Returns the last 24 hours without any attempt, the oldest first.
fn empty_day(now: Millis) -> Vec<Interval> {
    let last = now.0 / HOUR;
    let hours = last.saturating_sub(23)..=last;
    hours
        .map(|hour| Interval {
            at: Moment(Millis(hour * HOUR)),
            ..Interval::default()
        })
        .collect()
}

/// Returns the last 24 hours of an endpoint or a tenant. The API leaves out hours without attempts.
pub fn day_of(series: &[Bucket], now: Millis) -> Vec<Interval> {
    let mut day = empty_day(now);
    for hour in &mut day {
        let found = series.iter().find(|bucket| bucket.at == hour.at);
        *hour = found.map_or(*hour, |bucket| (*bucket).into());
    }
    day
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

/// Returns the sums of the tenant over the last `window`.
pub async fn of_tenant(visit: &Visit, window: &str) -> Result<Sums, PageError> {
    visit
        .get(visit.route("stats").query("window", window))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(hour: u64, succeeded: u64) -> Bucket {
        Bucket {
            at: Moment(Millis(hour * HOUR)),
            succeeded,
            failed: 1,
            p50_ms: Some(1),
            p95_ms: None,
        }
    }

    #[test]
    fn a_day_has_every_hour_up_to_now() {
        let now = Millis(100 * HOUR + 1);
        let day = day_of(&[bucket(100, 7), bucket(98, 3), bucket(50, 9)], now);
        let counts: Vec<_> = day.iter().map(|it| it.succeeded).collect();
        assert_eq!(day.len(), 24);
        assert_eq!(counts[21..], [3, 0, 7]);
        assert_eq!(counts.iter().sum::<u64>(), 10);
    }
}
