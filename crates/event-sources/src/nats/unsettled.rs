//! The messages that are not settled, whose acknowledgement the server waits for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::message::Acker;

/// The messages under way, by their ids. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Unsettled(Arc<Mutex<HashMap<String, Arc<Acker>>>>);

impl Unsettled {
    pub(super) fn add(&self, id: String, acker: Acker) {
        self.lock().insert(id, Arc::new(acker));
    }

    pub(super) fn take(&self, id: &str) -> Option<Arc<Acker>> {
        self.lock().remove(id)
    }

    /// Returns the messages that are left, and forgets them.
    pub(super) fn drain(&self) -> Vec<Arc<Acker>> {
        self.lock().drain().map(|(_, acker)| acker).collect()
    }

    /// Reports at intervals that the messages are in progress, so that they are not delivered again
    /// while the store is slow. Never returns.
    pub(super) async fn keep_in_progress(self, interval: Duration) {
        let mut ticks = tokio::time::interval(interval);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let all: Vec<Arc<Acker>> = self.lock().values().cloned().collect();
            for acker in all {
                // If the connection is lost, the server delivers the message again.
                let _ = acker.ack_with(AckKind::Progress).await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Acker>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
