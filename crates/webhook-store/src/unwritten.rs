//! The counts of outcomes that are not in the store yet. They are written once a second, so that an
//! endpoint costs one write for all of its outcomes of that second.

use std::collections::{HashMap, VecDeque};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use webhook_model::{EndpointId, Millis, TenantId};

use crate::endpoint_stats::{Counter, Counts};
use crate::recent_attempts::{MAX_RECENT, RecentAttempt, STORED};
use crate::{Interval, Outcome, Result};

/// The effect of a call on an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recording {
    /// The claim had ended without it.
    Rejected,
    /// An earlier call had recorded it.
    Repeated,
    /// It is recorded now.
    New {
        /// True if its delivery is a dead letter now.
        is_dead: bool,
    },
}

/// The counts of one endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndpointCounts {
    /// Counts by minute.
    pub minutes: Counts,
    /// The last attempts, the newest last.
    recent: VecDeque<RecentAttempt>,
}

/// Counts by tenant and endpoint.
pub(crate) type TenantCounts = HashMap<EndpointId, EndpointCounts>;
pub(crate) type AllCounts = HashMap<TenantId, TenantCounts>;

/// The counts of outcomes that a process has recorded since it wrote counts last.
#[derive(Debug, Default)]
pub(crate) struct UnwrittenCounts {
    counts: Mutex<AllCounts>,
    /// Locked while counts are written, so that a read of statistics waits for them.
    writing: tokio::sync::Mutex<()>,
    /// True after counts could not be written, until they are.
    is_failing: AtomicBool,
}

/// Counts that are being written. If the call that writes them is cancelled, they count as written: a store
/// runs what it has received.
pub(crate) struct CountsInWriting<'a> {
    unwritten: &'a UnwrittenCounts,
    counts: AllCounts,
    _writing: tokio::sync::MutexGuard<'a, ()>,
}

impl EndpointCounts {
    /// Returns the last attempts in their stored form, the newest first.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = [u8; STORED]> {
        self.recent.iter().rev().map(|attempt| attempt.to_bytes())
    }

    /// Returns the sums of a tenant's counts, without attempts.
    pub fn sums(endpoints: &TenantCounts) -> Self {
        let mut minutes = Counts::new();
        for ((minute, counter), count) in endpoints.values().flat_map(|of| &of.minutes) {
            let Counter(counter) = Counter(*counter).of_tenant();
            *minutes.entry((*minute, counter)).or_default() += count;
        }
        Self {
            minutes,
            recent: VecDeque::new(),
        }
    }

    fn add(&mut self, outcome: &Outcome, is_dead: bool, minute: i64) {
        for Counter(counter) in Counter::of_outcome(outcome.attempt.as_ref(), is_dead) {
            *self.minutes.entry((minute, counter)).or_default() += 1;
        }
        if let Some(attempt) = &outcome.attempt {
            self.recent.push_back(attempt.into());
            self.trim();
        }
    }

    fn add_older(&mut self, older: Self) {
        for (counter, count) in older.minutes {
            *self.minutes.entry(counter).or_default() += count;
        }
        for attempt in older.recent.into_iter().rev() {
            self.recent.push_front(attempt);
        }
        self.trim();
    }

    fn trim(&mut self) {
        let excess = self.recent.len().saturating_sub(MAX_RECENT);
        self.recent.drain(..excess);
    }
}

impl UnwrittenCounts {
    /// Counts the outcomes that a call at `now` has recorded. Returns for each outcome whether it is
    /// recorded, by this call or an earlier one.
    pub fn count(&self, outcomes: &[Outcome], recordings: &[Recording], now: Millis) -> Vec<bool> {
        let minute = Interval::Minute.number(now);
        let mut counts = self.lock();
        let mut recordings_left = recordings.iter();
        // Those of one endpoint usually follow each other.
        for of_endpoint in outcomes.chunk_by(has_same_endpoint) {
            let Some(first) = of_endpoint.first() else {
                continue;
            };
            let endpoints = counts.entry(first.tenant.clone()).or_default();
            let counts = endpoints.entry(first.endpoint.clone()).or_default();
            for (outcome, recording) in of_endpoint.iter().zip(&mut recordings_left) {
                if let Recording::New { is_dead } = *recording {
                    counts.add(outcome, is_dead, minute);
                }
            }
        }
        let is_recorded = |recording: &Recording| *recording != Recording::Rejected;
        recordings.iter().map(is_recorded).collect()
    }

    /// Takes the counts for writing, after those of another call are written. Returns `None` if there
    /// are none.
    pub async fn begin_writing(&self) -> Option<CountsInWriting<'_>> {
        self.take(self.writing.lock().await)
    }

    /// Takes the counts for writing before statistics are read. Returns `None` also if the last write
    /// failed: while a store does not respond, readers must not wait for each other's writes.
    pub async fn begin_writing_before_read(&self) -> Option<CountsInWriting<'_>> {
        let writing = self.writing.lock().await;
        if self.is_failing.load(Ordering::Relaxed) {
            return None;
        }
        self.take(writing)
    }

    fn take<'a>(&'a self, writing: tokio::sync::MutexGuard<'a, ()>) -> Option<CountsInWriting<'a>> {
        let counts = std::mem::take(&mut *self.lock());
        (!counts.is_empty()).then(|| CountsInWriting {
            unwritten: self,
            counts,
            _writing: writing,
        })
    }

    fn put_back(&self, counts: AllCounts) {
        let mut unwritten = self.lock();
        for (tenant, endpoints) in counts {
            let newer = unwritten.entry(tenant).or_default();
            for (endpoint, older) in endpoints {
                newer.entry(endpoint).or_default().add_older(older);
            }
        }
    }

    /// Reports that counts could not be written. They are written later, and no call depends on them.
    pub fn report(&self, written: Result<()>) {
        if let Err(error) = written {
            tracing::warn!(%error, "counts of outcomes not written");
        }
    }

    fn lock(&self) -> MutexGuard<'_, AllCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn has_same_endpoint(one: &Outcome, other: &Outcome) -> bool {
    one.endpoint == other.endpoint && one.tenant == other.tenant
}

impl CountsInWriting<'_> {
    /// Ends the writing. Counts that could not be written are kept for the next call.
    pub fn end(self, written: Result<()>) -> Result<()> {
        let failed = written.is_err();
        self.unwritten.is_failing.store(failed, Ordering::Relaxed);
        if failed {
            self.unwritten.put_back(self.counts);
        }
        written
    }
}

impl Deref for CountsInWriting<'_> {
    type Target = AllCounts;

    fn deref(&self) -> &AllCounts {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use webhook_model::{Attempt, DeliveryId, Exchange};

    use super::*;
    use crate::{Fence, NextState, StoreError};

    fn outcome(endpoint: &str, at: u64) -> Outcome {
        Outcome {
            tenant: TenantId::parse("acme").unwrap(),
            id: DeliveryId::parse("d").unwrap(),
            endpoint: EndpointId::parse(endpoint).unwrap(),
            fence: Fence::new(Millis(at)),
            attempt: Some(Attempt {
                at: Millis(at),
                status: Some(200),
                error: None,
                phase: None,
                duration_ms: 7,
                exchange: Exchange::default(),
            }),
            next: NextState::Succeeded,
        }
    }

    fn unavailable() -> StoreError {
        StoreError::Unavailable {
            store: "a store".into(),
            detail: "it does not respond".into(),
        }
    }

    /// Returns the sum of all counts, and the times of the attempts of an endpoint, the newest first.
    fn read(counts: &AllCounts, endpoint: &str) -> (u64, Vec<u64>) {
        let of = &counts[&TenantId::parse("acme").unwrap()];
        let of = &of[&EndpointId::parse(endpoint).unwrap()];
        let recent: Vec<u8> = of.recent().flatten().collect();
        let recent = RecentAttempt::read_all(&recent);
        let times = recent.iter().map(|attempt| attempt.at.0).collect();
        (of.minutes.values().sum(), times)
    }

    #[tokio::test]
    async fn counts_that_were_not_written_are_kept_with_later_ones() {
        const NEW: Recording = Recording::New { is_dead: false };
        let unwritten = UnwrittenCounts::default();
        let outcomes = [1, 2, 3].map(|at| outcome("orders", at));
        let recordings = [NEW, Recording::Repeated, Recording::Rejected];
        let recorded = unwritten.count(&outcomes, &recordings, Millis(5));
        assert_eq!(recorded, [true, true, false]);
        let failed = unwritten.begin_writing().await.unwrap();
        assert_eq!(read(&failed, "orders"), (1, vec![1]));
        unwritten.count(&[outcome("orders", 4)], &[NEW], Millis(6));
        assert!(failed.end(Err(unavailable())).is_err());
        // A read does not try again, but the periodic call does.
        assert!(unwritten.begin_writing_before_read().await.is_none());
        let written = unwritten.begin_writing().await.unwrap();
        assert_eq!(read(&written, "orders"), (2, vec![4, 1]));
        written.end(Ok(())).unwrap();
        assert!(unwritten.begin_writing().await.is_none());
        unwritten.count(&[outcome("other", 7)], &[NEW], Millis(7));
        assert!(unwritten.begin_writing_before_read().await.is_some());
    }

    #[tokio::test]
    async fn only_the_last_attempts_of_an_endpoint_are_kept() {
        let unwritten = UnwrittenCounts::default();
        let count = |from: u64| {
            for at in from..from + MAX_RECENT as u64 {
                let recording = Recording::New { is_dead: true };
                unwritten.count(&[outcome("orders", at)], &[recording], Millis(at));
            }
        };
        count(0);
        let failed = unwritten.begin_writing().await.unwrap();
        count(100);
        assert!(failed.end(Err(unavailable())).is_err());
        let counts = unwritten.begin_writing().await.unwrap();
        let expected = (100..100 + MAX_RECENT as u64).rev().collect();
        assert_eq!(read(&counts, "orders"), (4 * MAX_RECENT as u64, expected));
    }
}
