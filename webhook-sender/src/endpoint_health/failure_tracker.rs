//! Since when an endpoint has been failing, and when that is too long.

use std::time::Duration;

use webhook_model::{Endpoint, Millis};

/// How long it has to have failed before that is written down: every change of an endpoint has
/// senders load it anew, so a short trouble is not worth one. It is also how long a change is waited
/// for to come back with the endpoint.
const REPORT_AFTER: Duration = Duration::from_secs(60);

/// What is to be reported_at about an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HealthChange {
    Failing {
        since: Millis,
    },
    Recovered,
    /// `version` is the endpoint's that has to be disabled: another one may be well.
    Disabled {
        version: u64,
        reason: String,
    },
}

impl HealthChange {
    /// Returns its name in the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Failing { .. } => "failing",
            Self::Recovered => "recovered",
            Self::Disabled { .. } => "disabled",
        }
    }
}

/// What this process has seen of an endpoint since it last answered.
#[derive(Debug, Default)]
pub(crate) struct FailureTracker {
    since: Option<Millis>,
    reported_at: Option<Millis>,
    /// The version of the endpoint of which a recovery was reported_at.
    recovered: Option<u64>,
}

impl FailureTracker {
    /// An attempt has failed. Where all have for `too_long`, the endpoint has to be disabled.
    pub(crate) fn on_failure(
        &mut self,
        endpoint: &Endpoint,
        now: Millis,
        too_long: Duration,
    ) -> Option<HealthChange> {
        if let Some(since) = endpoint.failing_since {
            // Whoever enables it again has it begin anew.
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
            // What was reported_at is gone: another sender has reached the endpoint since.
            *self = Self::default();
        }
        let since = *self.since.get_or_insert(now);
        if now.since(since) < REPORT_AFTER {
            return None;
        }
        self.reported_at = Some(now);
        Some(HealthChange::Failing { since })
    }

    /// An attempt has succeeded.
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
