//! Default settings of delivery for endpoints without their own.

use std::time::Duration;

use webhook_model::{DEFAULT_KEPT_RESPONSE_BYTES, Endpoint, Retry};

/// The limits of delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The limit of deliveries that are started and not yet recorded, for all endpoints. It bounds
    /// the use of memory.
    pub permits: usize,
    /// The limit of concurrent attempts to one endpoint.
    pub permits_per_endpoint: usize,
    /// The timeout of an attempt, from name resolution to the last byte of the response.
    pub timeout: Duration,
    /// The upper bound of the timeouts of all endpoints: the lease must outlast every attempt.
    pub longest_timeout: Duration,
    /// The time during which every attempt must have failed before an endpoint is disabled.
    pub disable_after: Duration,
    /// The number of bytes of a response's body that an attempt keeps.
    pub keep_response: usize,
    pub retry: Retry,
}

impl Settings {
    /// Returns the timeout of attempts to an endpoint.
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
            keep_response: DEFAULT_KEPT_RESPONSE_BYTES,
            retry: Retry::default(),
        }
    }
}
