//! The bound on entries in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::SourceEntry;

/// A number of entries and of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub entries: usize,
    pub bytes: usize,
}

impl Load {
    pub(super) fn of(entries: &[SourceEntry]) -> Self {
        Self {
            entries: entries.len(),
            bytes: entries.iter().map(|entry| entry.bytes).sum(),
        }
    }
}

/// The entries that were read and are not durable yet. Written by the reader and the acceptor.
pub(super) struct Outstanding {
    /// The bound. The entries of one reply may exceed it.
    most: Load,
    now: Mutex<Now>,
    /// Notified by the acceptor when entries are processed; the reader waits for it.
    released: watch::Sender<()>,
}

#[derive(Default)]
struct Now {
    /// Entries on their way to the sink.
    under_way: Load,
    /// Entries that the sink could not store and that wait for a retry.
    held: Load,
}

impl Outstanding {
    pub(super) fn new(most: Load) -> Self {
        Self {
            most,
            now: Mutex::default(),
            released: watch::Sender::default(),
        }
    }

    /// Counts entries that are on their way to the sink.
    pub(super) fn add(&self, load: Load) {
        let under_way = &mut self.lock().under_way;
        under_way.entries += load.entries;
        under_way.bytes += load.bytes;
    }

    /// Subtracts entries that the sink has processed, and sets the load of held entries.
    pub(super) fn processed(&self, load: Load, held: Load) {
        let mut now = self.lock();
        now.under_way.entries -= load.entries;
        now.under_way.bytes -= load.bytes;
        now.held = held;
        drop(now);
        self.released.send_replace(());
    }

    pub(super) fn is_none(&self) -> bool {
        let now = self.lock();
        now.under_way.entries == 0 && now.held.entries == 0
    }

    /// Returns the load that may be read if the sink has capacity for `entries`.
    pub(super) fn room(&self, entries: usize) -> Load {
        let now = self.lock();
        let memory = self.most.entries.saturating_sub(now.held.entries);
        Load {
            entries: entries.min(memory).saturating_sub(now.under_way.entries),
            bytes: self
                .most
                .bytes
                .saturating_sub(now.held.bytes + now.under_way.bytes),
        }
    }

    /// Waits until entries are processed, at most `at_most`.
    pub(super) async fn change(&self, at_most: Duration) {
        let mut released = self.released.subscribe();
        let _changed = timeout(at_most, released.changed()).await;
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(entries: usize, bytes: usize) -> Load {
        Load { entries, bytes }
    }

    #[test]
    fn held_entries_use_memory_but_none_of_the_capacity_of_the_sink() {
        let outstanding = Outstanding::new(load(10, 1000));
        outstanding.add(load(4, 400));
        assert_eq!(outstanding.room(4), load(0, 600));
        assert_eq!(outstanding.room(100), load(6, 600));
        outstanding.processed(load(4, 400), load(3, 300));
        assert!(!outstanding.is_none());
        assert_eq!(outstanding.room(4), load(4, 700));
        assert_eq!(outstanding.room(100), load(7, 700));
        outstanding.processed(load(0, 0), load(0, 0));
        assert!(outstanding.is_none());
        assert_eq!(outstanding.room(100), load(10, 1000));
    }
}
