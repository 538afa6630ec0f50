//! Since when an endpoint has been failing, and when that is too long.

use std::time::Duration;

use webhook_model::{Endpoint, Millis};

/// How long it has to have failed before that is written down: every change of an endpoint has
/// senders load it anew, so a short trouble is not worth one. It is also how long a change is waited
/// for to come back with the endpoint.
const WORTH_TELLING: Duration = Duration::from_secs(60);

/// What is to be told about an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
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

impl Notice {
    /// Returns its name in the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Failing { .. } => "failing",
            Self::Recovered => "recovered",
            Self::Disabled { .. } => "disabled",
        }
    }
}

/// What this process has seen of an endpoint since it last answered.
#[derive(Debug, Default)]
pub(super) struct Failing {
    since: Option<Millis>,
    told: Option<Millis>,
    /// The version of the endpoint of which a recovery was told.
    recovered: Option<u64>,
}

impl Failing {
    /// An attempt has failed. Where all have for `too_long`, the endpoint has to be disabled.
    pub(super) fn failed(
        &mut self,
        endpoint: &Endpoint,
        now: Millis,
        too_long: Duration,
    ) -> Option<Notice> {
        if let Some(since) = endpoint.failing_since {
            // Whoever enables it again has it begin anew.
            (self.since, self.told) = (None, None);
            return (now.since(since) >= too_long).then(|| Notice::Disabled {
                version: endpoint.version,
                reason: format!("every attempt has failed since {since}"),
            });
        }
        if let Some(told) = self.told {
            if now.since(told) < WORTH_TELLING {
                return None;
            }
            // What was told is gone: another sender has reached the endpoint since.
            *self = Self::default();
        }
        let since = *self.since.get_or_insert(now);
        if now.since(since) < WORTH_TELLING {
            return None;
        }
        self.told = Some(now);
        Some(Notice::Failing { since })
    }

    /// An attempt has succeeded.
    pub(super) fn succeeded(&mut self, endpoint: &Endpoint) -> Option<Notice> {
        let was_told = self.told.take().is_some();
        self.since = None;
        let is_stored =
            endpoint.failing_since.is_some() && self.recovered != Some(endpoint.version);
        if is_stored {
            self.recovered = Some(endpoint.version);
        }
        (was_told || is_stored).then_some(Notice::Recovered)
    }
}
