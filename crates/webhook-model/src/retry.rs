//! Retry schedules.

use std::time::Duration;

use humantime::format_duration;
use serde::{Deserialize, Serialize};

/// A schedule of attempts with the wait before each. The first attempt is immediate, after `0s`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// The wait before each attempt, for example `["0s", "5s", "5m"]` for three.
    #[serde(with = "durations")]
    pub schedule: Vec<Duration>,
    /// The random deviation of each wait: 0.2 is 20 % in both directions.
    #[serde(default = "default_jitter")]
    pub jitter: f64,
}

/// The reason for which a schedule is invalid.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum RetryError {
    #[error("the retry schedule has no attempts")]
    Empty,
    #[error("the retry schedule has {0} attempts; at most 64 are allowed")]
    TooMany(usize),
    #[error("jitter `{0}` is not between 0 and 1")]
    Jitter(f64),
    #[error("the retry schedule begins with `{}`; the first attempt is made at once: `0s`", format_duration(*.0))]
    First(Duration),
    #[error("the retry schedule has a wait of `{}`; at most a year is allowed", format_duration(*.0))]
    TooLong(Duration),
}

/// The longest wait.
const YEAR: Duration = Duration::from_secs(365 * 24 * HOUR);

const SECOND: u64 = 1;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The schedule of Standard Webhooks 1.0, "Operational considerations": attempts over about three
/// days.
const DEFAULT: [u64; 10] = [
    0,
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];

impl Default for Retry {
    fn default() -> Self {
        Self {
            schedule: DEFAULT.map(Duration::from_secs).to_vec(),
            jitter: default_jitter(),
        }
    }
}

impl Retry {
    /// Validates the schedule.
    ///
    /// # Errors
    ///
    /// A [`RetryError`].
    pub fn check(&self) -> Result<(), RetryError> {
        match self.schedule.len() {
            0 => Err(RetryError::Empty),
            65.. => Err(RetryError::TooMany(self.schedule.len())),
            _ if !(0.0..=1.0).contains(&self.jitter) => Err(RetryError::Jitter(self.jitter)),
            _ => self.check_waits(),
        }
    }

    fn check_waits(&self) -> Result<(), RetryError> {
        if let Some(first) = self.schedule.first().filter(|first| !first.is_zero()) {
            return Err(RetryError::First(*first));
        }
        match self.schedule.iter().find(|wait| **wait > YEAR) {
            Some(wait) => Err(RetryError::TooLong(*wait)),
            None => Ok(()),
        }
    }

    /// Returns the wait after `attempts_made` attempts, or `None` if no attempt is left. `random`
    /// is between 0 (the shortest wait) and 1 (the longest), both included.
    pub fn wait(&self, attempts_made: usize, random: f64) -> Option<Duration> {
        let base = self.schedule.get(attempts_made)?;
        let factor = 1.0 - self.jitter + 2.0 * self.jitter * random.clamp(0.0, 1.0);
        let wait = base.as_secs_f64() * factor.max(0.0);
        Some(Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX))
    }
}

fn default_jitter() -> f64 {
    0.2
}

/// Serializes durations as people write them: `5s`, `30m`, `1h 30m`.
pub mod durations {
    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(all: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            all.iter()
                .map(|one| humantime::format_duration(*one).to_string()),
        )
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Duration>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        texts
            .iter()
            .map(|text| parse(text).map_err(D::Error::custom))
            .collect()
    }

    pub fn parse(text: &str) -> Result<Duration, String> {
        humantime::parse_duration(text)
            .map_err(|_| format!("`{text}` is not a duration such as `5s` or `1h 30m`"))
    }

    /// Serializes an optional duration.
    pub mod optional {
        use super::*;

        pub fn serialize<S: Serializer>(
            one: &Option<Duration>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match one {
                Some(one) => serializer.collect_str(&humantime::format_duration(*one)),
                None => serializer.serialize_none(),
            }
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Duration>, D::Error> {
            let text = Option::<String>::deserialize(from)?;
            text.map(|text| parse(&text).map_err(D::Error::custom))
                .transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_schedule_is_the_documented_one() {
        let retry = Retry::default();
        let documented = "0, 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h";
        let parse = |wait: &str| match wait {
            "0" => Duration::ZERO,
            wait => humantime::parse_duration(&wait.replace(' ', "")).unwrap(),
        };
        let waits: Vec<_> = documented.split(", ").map(parse).collect();
        assert_eq!(retry.schedule, waits);
        assert!((retry.jitter - 0.2).abs() < f64::EPSILON);
        let documents = [
            include_str!("../../../docs/DELIVERY.md"),
            include_str!("../../../docs/OPERATIONS.md"),
        ];
        assert!(documents.iter().all(|text| text.contains(documented)));
    }

    #[test]
    fn each_wait_is_within_its_jitter() {
        let retry = Retry::default();
        assert_eq!(retry.wait(0, 1.0), Some(Duration::ZERO));
        assert_eq!(retry.wait(1, 0.0), Some(Duration::from_secs(4)));
        assert_eq!(retry.wait(1, 0.5), Some(Duration::from_secs(5)));
        assert_eq!(retry.wait(1, 1.0), Some(Duration::from_secs(6)));
        assert_eq!(retry.wait(10, 0.5), None);
    }

    #[test]
    fn an_invalid_wait_is_rejected_by_its_value() {
        let refusal = |schedule: &[u64]| {
            let schedule = schedule.iter().copied().map(Duration::from_secs).collect();
            let retry = Retry {
                schedule,
                ..Retry::default()
            };
            // An out-of-range wait of an older record saturates instead of panicking.
            assert!(retry.wait(1, 1.0).is_some());
            retry.check().map_err(|error| error.to_string())
        };
        assert_eq!(refusal(&[0, 365 * 24 * HOUR]), Ok(()));
        assert!(refusal(&[5, 5]).unwrap_err().contains("`5s`"));
        assert!(
            refusal(&[0, u64::MAX])
                .unwrap_err()
                .contains("at most a year")
        );
    }

    #[test]
    fn a_schedule_is_parsed_from_human_durations() {
        let retry: Retry = serde_json::from_str(r#"{"schedule": ["0s", "1h 30m"]}"#).unwrap();
        assert_eq!(retry.schedule, [Duration::ZERO, Duration::from_secs(5400)]);
        let bad = serde_json::from_str::<Retry>(r#"{"schedule": ["soon"]}"#).unwrap_err();
        assert!(bad.to_string().contains("`soon`"), "{bad}");
    }
}
