//! The messages that are not settled, whose acknowledgement the server waits for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::message::Acker;

/// The messages under way, by their sequence numbers. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Unsettled(Arc<Mutex<BTreeMap<u64, Arc<Acker>>>>);

impl Unsettled {
    pub(super) fn add(&self, sequence: u64, acker: Acker) {
        self.lock().insert(sequence, Arc::new(acker));
    }

    pub(super) fn take(&self, sequence: u64) -> Option<Arc<Acker>> {
        self.lock().remove(&sequence)
    }

    /// Returns the messages that are left, in the order of the stream, and forgets them.
    pub(super) fn drain(&self) -> Vec<Arc<Acker>> {
        std::mem::take(&mut *self.lock()).into_values().collect()
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

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Acker>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
