//! What the intake has done, and how far behind it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters for metrics and readiness. Written by the intake, read by anybody.
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
    /// Entries taken from the stream, again where they were.
    pub taken: u64,
    /// Entries of which nothing could be made.
    pub rejected: u64,
    pub acknowledged: u64,
    /// Entries that had been taken before, by this process or another, and not acknowledged.
    pub claimed: u64,
    /// Pending entries that somebody had removed from the stream.
    pub vanished: u64,
    /// Entries removed from the stream.
    pub trimmed: u64,
    /// Rounds that failed: the connection lost, the store out of reach.
    pub failures: u64,
    /// Whether the stream was within reach when it was last asked.
    pub connected: bool,
    /// Whether this process is the one that reads.
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
