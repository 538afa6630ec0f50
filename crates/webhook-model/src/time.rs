//! Times, and the clock that they come from.

#![allow(clippy::disallowed_methods, reason = "the sender's wall clock")]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// A time in milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// A time later than every real one.
    pub const NEVER: Self = Self(i64::MAX as u64);

    /// Returns the time `duration` after this one, at most [`Self::NEVER`].
    pub fn after(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis)).min(Self::NEVER)
    }

    /// Returns the time `duration` before this one, at least the epoch.
    pub fn before(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// Returns the duration from `earlier` to this time; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Returns Unix seconds, as in signatures.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Returns the milliseconds as a signed integer, for stores.
    pub fn as_i64(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

/// Formats as RFC 3339 in UTC, with milliseconds.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.as_i64()) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A source of the current time: the system, or a test that sets it.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<AtomicU64>>);

impl Clock {
    /// Returns the system's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// Returns a clock that stands at `now` until it is set.
    pub fn standing_at(now: Millis) -> Self {
        Self(Some(Arc::new(AtomicU64::new(now.0))))
    }

    /// Sets a standing clock and all of its clones. Has no effect on the system's clock.
    pub fn set(&self, now: Millis) {
        if let Some(standing) = &self.0 {
            standing.store(now.0, Ordering::SeqCst);
        }
    }

    /// Returns the current time.
    pub fn now(&self) -> Millis {
        match &self.0 {
            Some(standing) => Millis(standing.load(Ordering::SeqCst)),
            None => Millis(system_millis()),
        }
    }
}

fn system_millis() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}
