//! The counters of a source.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters for metrics and readiness. Written by the source and its intake only.
#[derive(Debug, Default)]
pub struct Stats {
    pub(super) taken: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) acknowledged: AtomicU64,
    pub(super) claimed: AtomicU64,
    pub(super) vanished: AtomicU64,
    pub(super) trimmed: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) connected: AtomicBool,
    pub(super) reading: AtomicBool,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Entries read from the source, including redelivered ones.
    pub taken: u64,
    /// Entries that are no valid event.
    pub rejected: u64,
    pub acknowledged: u64,
    /// Pending entries that were claimed after an earlier read by any process.
    pub claimed: u64,
    /// Pending entries that were removed from the stream by other clients.
    pub vanished: u64,
    /// Entries removed from the stream by trimming.
    pub trimmed: u64,
    /// Sessions that failed, for example because the connection was lost.
    pub failures: u64,
    /// True if the source was reachable at the last attempt.
    pub connected: bool,
    /// True if this process reads.
    pub reading: bool,
}

impl Stats {
    pub fn snapshot(&self) -> Snapshot {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            taken: count(&self.taken),
            rejected: count(&self.rejected),
            acknowledged: count(&self.acknowledged),
            claimed: count(&self.claimed),
            vanished: count(&self.vanished),
            trimmed: count(&self.trimmed),
            failures: count(&self.failures),
            connected: self.connected.load(Ordering::Relaxed),
            reading: self.reading.load(Ordering::Relaxed),
        }
    }
}

pub(super) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
}
