//! Tracks since when an endpoint has been failing.

use std::time::Duration;

use webhook_model::{Endpoint, Millis};

/// The time for which an endpoint must have failed before that is reported. Every change of an
/// endpoint makes senders reload it, so short failures are not stored. It is also the time within
/// which a reported change should be visible in the endpoint.
const REPORT_AFTER: Duration = Duration::from_secs(60);

/// A change of the health of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HealthChange {
    Failing {
        since: Millis,
    },
    Recovered,
    /// The endpoint must be disabled if it still has this version; a later version may be healthy.
    Disabled {
        version: u64,
        reason: String,
    },
}

impl HealthChange {
    /// Returns the name that the log uses.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Failing { .. } => "failing",
            Self::Recovered => "recovered",
            Self::Disabled { .. } => "disabled",
        }
    }
}

/// The failures of an endpoint since its last success, as this process has observed them.
#[derive(Debug, Default)]
pub(crate) struct FailureTracker {
    since: Option<Millis>,
    reported_at: Option<Millis>,
    /// The version of the endpoint for which a recovery was reported.
    recovered: Option<u64>,
}

impl FailureTracker {
    /// Records a failed attempt. If every attempt has failed for `too_long`, the endpoint must be
    /// disabled.
    pub(crate) fn on_failure(
        &mut self,
        endpoint: &Endpoint,
        now: Millis,
        too_long: Duration,
    ) -> Option<HealthChange> {
        if let Some(since) = endpoint.failing_since {
            // Enabling the endpoint again restarts the failure window.
            (self.since, self.reported_at) = (None, None);
            return (now.since(since) >= too_long).then(|| HealthChange::Disabled {
                version: endpoint.version,
                reason: format!("every attempt has failed since {since}"),
            });
        }
        if let Some(reported_at) = self.reported_at {
            if now.since(reported_at) < REPORT_AFTER {
                return None;
            }
            // The reported change is no longer stored: another process has reached the endpoint
            // since.
            *self = Self::default();
        }
        let since = *self.since.get_or_insert(now);
        if now.since(since) < REPORT_AFTER {
            return None;
        }
        self.reported_at = Some(now);
        Some(HealthChange::Failing { since })
    }

    /// Records a successful attempt.
    pub(crate) fn on_success(&mut self, endpoint: &Endpoint) -> Option<HealthChange> {
        let was_reported = self.reported_at.take().is_some();
        self.since = None;
        let is_stored =
            endpoint.failing_since.is_some() && self.recovered != Some(endpoint.version);
        if is_stored {
            self.recovered = Some(endpoint.version);
        }
        (was_reported || is_stored).then_some(HealthChange::Recovered)
    }
}
