//! What an operator chooses, as the app's variables have it.

use crate::{Platform, Scheme, SettingsError, variables};

/// The variables that bear on verification.
///
/// | variable | meaning | usual |
/// |---|---|---|
/// | `weakest_scheme` | `plain`, `wss` or `standard`: schemes weaker than it are not looked at | `standard` |
/// | `tolerance_seconds` | how far a signed time may lie from the clock, either way | `300` |
/// | `retry_horizon_seconds` | how long an id that was processed is remembered; where its signature is fresh for longer, for that long | `345600` |
/// | `seen_ids_max` | how many ids that were processed are remembered, the newest ones | `100000` |
/// | `key_overlap_seconds` | how long a key is still accepted after a handshake replaced it | `86400` |
///
/// The horizon covers the retries of `webhook-sender`, which give up after some 76 hours, a fifth
/// later at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `weakest_scheme`.
    pub weakest: Scheme,
    /// `tolerance_seconds`.
    pub tolerance: u64,
    /// `retry_horizon_seconds`.
    pub retry_horizon: u64,
    /// `seen_ids_max`, 1 at least.
    pub seen_ids_max: u64,
    /// `key_overlap_seconds`.
    pub key_overlap: u64,
}

impl Settings {
    /// Reads all of them.
    ///
    /// # Errors
    ///
    /// The first that is missing or malformed.
    pub fn read(platform: &impl Platform) -> Result<Self, SettingsError> {
        Ok(Self {
            weakest: scheme(platform, "weakest_scheme")?,
            tolerance: number(platform, "tolerance_seconds", 0)?,
            retry_horizon: number(platform, "retry_horizon_seconds", 0)?,
            seen_ids_max: number(platform, "seen_ids_max", 1)?,
            key_overlap: number(platform, "key_overlap_seconds", 0)?,
        })
    }

    /// Until when an event is remembered that was signed `at` and is processed at `now`: for the
    /// retry horizon, and never for less than its signature could be sent again.
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

/// Numbers are bounded to ten digits, so that sums of them and of times do not overflow.
fn number(platform: &impl Platform, name: &'static str, least: u64) -> Result<u64, SettingsError> {
    const MOST: u64 = 9_999_999_999;
    let value = variables::text(platform, name)?;
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(number) if digits && (least..=MOST).contains(&number) => Ok(number),
        _ => Err(SettingsError::Value {
            name,
            value,
            wanted: match least {
                0 => "a whole number of at most ten digits",
                _ => "a whole number of at most ten digits, 1 or more",
            },
        }),
    }
}
