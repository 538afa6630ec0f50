//! What holds for all endpoints that do not say otherwise.

use std::time::Duration;

use webhook_model::{Endpoint, Retry};

/// The limits of delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The most deliveries started and not yet recorded, of all endpoints together. It bounds what
    /// is in memory.
    pub permits: usize,
    /// The most attempts at a time to one endpoint.
    pub permits_per_endpoint: usize,
    /// How long an attempt may take, from the name to the answer's last byte.
    pub timeout: Duration,
    /// The longest_timeout that any attempt may take, whatever its endpoint says: the lease has to outlast it.
    pub longest_timeout: Duration,
    /// How long every attempt has to have failed before an endpoint is disabled.
    pub disable_after: Duration,
    pub retry: Retry,
}

impl Settings {
    /// How long an attempt to that endpoint may take.
    pub(super) fn timeout_of(&self, endpoint: &Endpoint) -> Duration {
        endpoint
            .timeout
            .unwrap_or(self.timeout)
            .min(self.longest_timeout)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            permits: 4096,
            permits_per_endpoint: 512,
            timeout: Duration::from_secs(15),
            longest_timeout: Duration::MAX,
            disable_after: Duration::from_secs(5 * 24 * 60 * 60),
            retry: Retry::default(),
        }
    }
}
