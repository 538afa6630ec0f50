//! The operator's settings, from the app's variables.

use crate::{Platform, Scheme, SettingsError, variables};

/// The variables that affect verification.
///
/// | variable | meaning | default of the apps |
/// |---|---|---|
/// | `weakest_scheme` | `plain`, `wss` or `standard`: the weakest accepted scheme | `standard` |
/// | `tolerance_seconds` | the tolerance for signed times, in both directions | `300` |
/// | `retry_horizon_seconds` | how long a processed id is remembered, at least; longer while its signature is fresh | `345600` |
/// | `seen_ids_max` | how many processed ids are remembered, the newest ones | `100000` |
/// | `key_overlap_seconds` | how long a replaced key stays valid after a handshake | `86400` |
///
/// The horizon covers the retries of `webhook-sender`, which take 76 hours, and at most a fifth more
/// with jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `weakest_scheme`.
    pub weakest: Scheme,
    /// `tolerance_seconds`.
    pub tolerance: u64,
    /// `retry_horizon_seconds`.
    pub retry_horizon: u64,
    /// `seen_ids_max`, at least 1.
    pub seen_ids_max: u64,
    /// `key_overlap_seconds`.
    pub key_overlap: u64,
}

impl Settings {
    /// Reads all settings.
    ///
    /// # Errors
    ///
    /// Returns an error for the first variable that is missing or malformed.
    pub fn read(platform: &impl Platform) -> Result<Self, SettingsError> {
        Ok(Self {
            weakest: scheme(platform, "weakest_scheme")?,
            tolerance: number(platform, "tolerance_seconds", 0)?,
            retry_horizon: number(platform, "retry_horizon_seconds", 0)?,
            seen_ids_max: number(platform, "seen_ids_max", 1)?,
            key_overlap: number(platform, "key_overlap_seconds", 0)?,
        })
    }

    /// Returns the time until which an event is remembered that was signed `at` and processed at
    /// `now`: for the retry horizon, and at least for as long as its signature is fresh.
    pub(crate) fn remember_until(&self, now: u64, at: Option<i64>) -> u64 {
        let at = at.map_or(0, |at| u64::try_from(at).unwrap_or(0));
        let stale = at.saturating_add(self.tolerance).saturating_add(1);
        now.saturating_add(self.retry_horizon).max(stale)
    }
}

fn scheme(platform: &impl Platform, name: &'static str) -> Result<Scheme, SettingsError> {
    let value = variables::text(platform, name)?;
    let scheme = Scheme::ALL
        .into_iter()
        .find(|scheme| scheme.name() == value);
    scheme.ok_or(SettingsError::Value {
        name,
        value,
        wanted: "`plain`, `wss` or `standard`",
    })
}

/// Parses a number. At most ten digits are accepted, so that sums of numbers and times cannot
/// overflow.
fn number(platform: &impl Platform, name: &'static str, min: u64) -> Result<u64, SettingsError> {
    const MAX: u64 = 9_999_999_999;
    let value = variables::text(platform, name)?;
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(number) if digits && (min..=MAX).contains(&number) => Ok(number),
        _ => Err(SettingsError::Value {
            name,
            value,
            wanted: match min {
                0 => "a whole number of at most ten digits",
                _ => "a whole number of at most ten digits, 1 or more",
            },
        }),
    }
}
