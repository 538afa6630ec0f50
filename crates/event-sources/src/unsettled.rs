//! The number of entries that a source has passed on and that are not settled.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// A count of entries that one task raises and another one lowers.
#[derive(Default)]
pub(super) struct Unsettled {
    /// Raised by the reader, lowered by the acceptor; the reader waits for zero.
    count: watch::Sender<usize>,
}

impl Unsettled {
    pub(super) fn add(&self, entries: usize) {
        self.count.send_modify(|count| *count += entries);
    }

    pub(super) fn settled(&self, entries: usize) {
        self.count
            .send_modify(|count| *count = count.saturating_sub(entries));
    }

    /// Forgets the entries of an earlier session.
    pub(super) fn clear(&self) {
        self.count.send_replace(0);
    }

    /// Waits until every entry is settled, at most `at_most`. Returns `false` on a timeout.
    pub(super) async fn flushed(&self, at_most: Duration) -> bool {
        let mut count = self.count.subscribe();
        let none = count.wait_for(|count| *count == 0);
        timeout(at_most, none).await.is_ok()
    }
}
