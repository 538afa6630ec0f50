//! Requests in flight.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::client::Client;
use crate::stall_timer::StallTimer;

/// A request in flight. Dropped when its response is complete.
pub(super) struct Exchange {
    pub(super) client: Arc<Client>,
    /// The limit on the wait for the client to read the response.
    pub(super) reading: Mutex<StallTimer>,
}

impl Exchange {
    pub(super) fn begin(client: Arc<Client>, limit: Duration) -> Self {
        client.begin_request();
        Self {
            client,
            reading: Mutex::new(StallTimer::new(limit)),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.client.end_request();
    }
}
