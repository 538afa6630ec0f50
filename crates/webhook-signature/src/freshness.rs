//! The check of a signed timestamp against the receiver's clock.

use crate::Refusal;

/// The current time of the receiver, and the tolerance for signed timestamps in both directions.
///
/// ```
/// use webhook_signature::Freshness;
///
/// let now = 1_614_265_330;
/// let five_minutes = Freshness::at(now);
/// let ten_seconds = Freshness::at(now).tolerating(10);
/// # let _ = (five_minutes, ten_seconds);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    now: u64,
    tolerance: u64,
}

impl Freshness {
    /// The default tolerance in seconds: five minutes.
    pub const TOLERANCE: u64 = 5 * 60;

    /// Creates a check at the time `now`, in Unix seconds, with the default [`TOLERANCE`](Self::TOLERANCE).
    pub fn at(now: u64) -> Self {
        Self {
            now,
            tolerance: Self::TOLERANCE,
        }
    }

    /// Sets the tolerance in seconds. A timestamp that differs by exactly this much is accepted.
    pub fn tolerating(self, seconds: u64) -> Self {
        Self {
            tolerance: seconds,
            ..self
        }
    }

    pub(crate) fn check(self, signed_at: i64) -> Result<(), Refusal> {
        let (now, tolerance) = (i128::from(self.now), i128::from(self.tolerance));
        let age = now - i128::from(signed_at);
        if age > tolerance {
            return Err(Refusal::TooOld);
        }
        if -age > tolerance {
            return Err(Refusal::TooNew);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_tolerated() {
        let freshness = Freshness::at(1000).tolerating(10);
        assert_eq!(freshness.check(990), Ok(()));
        assert_eq!(freshness.check(1010), Ok(()));
        assert_eq!(freshness.check(989), Err(Refusal::TooOld));
        assert_eq!(freshness.check(1011), Err(Refusal::TooNew));
    }

    #[test]
    fn extreme_timestamps_do_not_overflow() {
        for now in [0, u64::MAX] {
            let strict = Freshness::at(now).tolerating(0);
            assert_eq!(strict.check(i64::MIN), Err(Refusal::TooOld));
            let any = Freshness::at(now).tolerating(u64::MAX);
            assert_eq!(any.check(i64::MAX), Ok(()));
        }
        let strict = Freshness::at(0).tolerating(0);
        assert_eq!(strict.check(i64::MAX), Err(Refusal::TooNew));
    }
}
