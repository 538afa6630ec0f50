//! What holds for all endpoints that do not say otherwise.

use std::time::Duration;

use crate::model::Retry;

/// The limits of delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The most deliveries started and not yet recorded, of all endpoints together. It bounds what
    /// is in memory.
    pub places: usize,
    /// The most attempts at a time to one endpoint.
    pub per_endpoint: usize,
    /// How long an attempt may take, from the name to the answer's last byte.
    pub timeout: Duration,
    pub retry: Retry,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            places: 4096,
            per_endpoint: 512,
            timeout: Duration::from_secs(15),
            retry: Retry::default(),
        }
    }
}
