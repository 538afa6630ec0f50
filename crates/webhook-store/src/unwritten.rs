//! The counts of outcomes that are not in the store yet. They are written once a second, so that an
//! endpoint costs one write for all of its outcomes of that second.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use webhook_model::{EndpointId, Millis, TenantId};

use crate::endpoint_stats::{Counter, Counts};
use crate::recent_attempts::{MAX_RECENT, RecentAttempt, STORED};
use crate::{Interval, MINUTES_KEPT, NextState, Outcome, Result};

/// The number of minutes whose counts are kept while a store does not write them: as many as a store keeps
/// (Redis uses the keys of earlier hours again).
const MINUTES_UNWRITTEN: i64 = (MINUTES_KEPT.as_secs() / 60).cast_signed();

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
    /// Locked while counts are written, so that the last attempts of an endpoint keep their order.
    writing: tokio::sync::Mutex<()>,
}

/// Counts that a store writes whole or not at all. They are put back when this is dropped, unless
/// [`CountsPart::end`] was called.
pub(crate) struct CountsPart<'a> {
    unwritten: &'a UnwrittenCounts,
    counts: Arc<AllCounts>,
}

/// The size of a part.
#[derive(Clone, Copy)]
pub(crate) struct PartSize {
    pub tenants: usize,
    pub endpoints: usize,
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

    fn add_older(&mut self, older: &Self) {
        for (counter, count) in &older.minutes {
            *self.minutes.entry(*counter).or_default() += count;
        }
        for attempt in older.recent.iter().rev() {
            self.recent.push_front(*attempt);
        }
        self.trim();
        self.forget_old_minutes();
    }

    fn trim(&mut self) {
        let excess = self.recent.len().saturating_sub(MAX_RECENT);
        self.recent.drain(..excess);
    }

    /// Bounds the memory while a store does not write counts.
    fn forget_old_minutes(&mut self) {
        let Some(((newest, _), _)) = self.minutes.last_key_value() else {
            return;
        };
        let oldest = newest.saturating_sub(MINUTES_UNWRITTEN);
        self.minutes = self.minutes.split_off(&(oldest, 0));
    }
}

impl Recording {
    /// Returns true if the outcome is recorded, by this call or an earlier one.
    pub fn is_recorded(self) -> bool {
        self != Self::Rejected
    }

    /// Returns the recording from the view of this process, in which the claim of `outcome` was in flight
    /// until now. If an earlier call has recorded it, the reply to that call was lost, and the outcome is not
    /// counted yet.
    pub fn of_flight(self, outcome: &Outcome) -> Self {
        match self {
            Self::Repeated => Self::New {
                is_dead: matches!(outcome.next, NextState::Dead(_)),
            },
            other => other,
        }
    }
}

impl UnwrittenCounts {
    /// Counts the outcomes that a call at `now` has recorded.
    pub fn count(&self, recorded: &[(&Outcome, Recording)], now: Millis) {
        let minute = Interval::Minute.number(now);
        let mut counts = self.lock();
        // Those of one endpoint usually follow each other.
        for of_endpoint in recorded.chunk_by(|(one, _), (other, _)| has_same_endpoint(one, other)) {
            let Some((first, _)) = of_endpoint.first() else {
                continue;
            };
            let endpoints = counts.entry(first.tenant.clone()).or_default();
            let counts = endpoints.entry(first.endpoint.clone()).or_default();
            for (outcome, recording) in of_endpoint {
                if let Recording::New { is_dead } = *recording {
                    counts.add(outcome, is_dead, minute);
                }
            }
        }
    }

    /// Takes the counts for writing, after those of another call are written. The lock is held until all
    /// parts are written.
    pub async fn begin_writing(
        &self,
        size: PartSize,
    ) -> (tokio::sync::MutexGuard<'_, ()>, Vec<CountsPart<'_>>) {
        let writing = self.writing.lock().await;
        let parts = split(std::mem::take(&mut *self.lock()), size);
        let part = |counts| CountsPart {
            unwritten: self,
            counts: Arc::new(counts),
        };
        (writing, parts.into_iter().map(part).collect())
    }

    fn put_back(&self, counts: &AllCounts) {
        let mut unwritten = self.lock();
        for (tenant, endpoints) in counts {
            let newer = unwritten.entry(tenant.clone()).or_default();
            for (endpoint, older) in endpoints {
                newer.entry(endpoint.clone()).or_default().add_older(older);
            }
        }
    }

    /// Reports counts that could not be written. No call depends on them.
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

fn split(counts: AllCounts, size: PartSize) -> Vec<AllCounts> {
    let mut parts = Vec::new();
    let mut part = AllCounts::new();
    let mut endpoints = 0;
    for (tenant, of_tenant) in counts {
        for (endpoint, of) in of_tenant {
            let is_full = endpoints == size.endpoints
                || (part.len() == size.tenants && !part.contains_key(&tenant));
            if is_full {
                parts.push(std::mem::take(&mut part));
                endpoints = 0;
            }
            part.entry(tenant.clone()).or_default().insert(endpoint, of);
            endpoints += 1;
        }
    }
    parts.extend((!part.is_empty()).then_some(part));
    parts
}

impl CountsPart<'_> {
    /// Returns the counts, to be written with the sums of each tenant.
    pub fn counts(&self) -> &Arc<AllCounts> {
        &self.counts
    }

    /// Ends the writing: counts that are written are not put back.
    ///
    /// # Errors
    ///
    /// Returns the error of the writing. The store may have written the counts nevertheless, if its reply
    /// was lost: they are counted twice then.
    pub fn end<T>(mut self, written: Result<T>) -> Result<()> {
        if written.is_ok() {
            self.counts = Arc::default();
        }
        written.map(|_| ())
    }
}

impl Drop for CountsPart<'_> {
    fn drop(&mut self) {
        self.unwritten.put_back(&self.counts);
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

    const SIZE: PartSize = PartSize {
        tenants: 10,
        endpoints: 10,
    };

    const NEW: Recording = Recording::New { is_dead: false };

    fn count(unwritten: &UnwrittenCounts, endpoint: &str, times: impl Iterator<Item = u64>) {
        for at in times {
            unwritten.count(&[(&outcome(endpoint, at), NEW)], Millis(at));
        }
    }

    #[tokio::test]
    async fn counts_that_were_not_written_are_kept_with_later_ones() {
        let unwritten = UnwrittenCounts::default();
        let outcomes = [1, 2, 3].map(|at| outcome("orders", at));
        let recordings = [NEW, Recording::Repeated, Recording::Rejected];
        let recorded: Vec<_> = outcomes.iter().zip(recordings).collect();
        unwritten.count(&recorded, Millis(5));
        let (writing, mut parts) = unwritten.begin_writing(SIZE).await;
        let failed = parts.remove(0);
        assert_eq!(read(failed.counts(), "orders"), (1, vec![1]));
        count(&unwritten, "orders", 4..5);
        assert!(failed.end(Err::<(), _>(unavailable())).is_err());
        drop(writing);
        // A call that is cancelled.
        drop(unwritten.begin_writing(SIZE).await);
        let (writing, mut parts) = unwritten.begin_writing(SIZE).await;
        let written = parts.remove(0);
        assert_eq!(read(written.counts(), "orders"), (2, vec![4, 1]));
        written.end(Ok(())).unwrap();
        drop(writing);
        assert!(unwritten.begin_writing(SIZE).await.1.is_empty());
    }

    #[tokio::test]
    async fn only_the_last_attempts_of_an_endpoint_are_kept() {
        let unwritten = UnwrittenCounts::default();
        let most = MAX_RECENT as u64;
        count(&unwritten, "orders", 0..most);
        let failed = unwritten.begin_writing(SIZE).await;
        count(&unwritten, "orders", 100..100 + most);
        drop(failed);
        let (_writing, parts) = unwritten.begin_writing(SIZE).await;
        let expected = (100..100 + most).rev().collect();
        assert_eq!(read(parts[0].counts(), "orders"), (2 * most, expected));
    }

    #[tokio::test]
    async fn minutes_that_are_not_written_for_two_hours_are_forgotten() {
        let unwritten = UnwrittenCounts::default();
        let minute = |n: u64| n * 60_000;
        for n in [0, 1, 120, 121] {
            count(&unwritten, "orders", minute(n)..minute(n) + 1);
            drop(unwritten.begin_writing(SIZE).await);
        }
        let (_writing, parts) = unwritten.begin_writing(SIZE).await;
        let (sum, _) = read(parts[0].counts(), "orders");
        assert_eq!(sum, 3);
    }

    #[test]
    fn a_part_has_a_limited_number_of_tenants_and_endpoints() {
        let all = |tenants: usize, endpoints: usize| {
            let of = |tenant: usize| {
                let id = |n: usize| EndpointId::parse(&format!("e{n}")).unwrap();
                let counts = (0..endpoints).map(|n| (id(n), EndpointCounts::default()));
                let tenant = TenantId::parse(&format!("t{tenant}")).unwrap();
                (tenant, counts.collect::<TenantCounts>())
            };
            (0..tenants).map(of).collect::<AllCounts>()
        };
        let sizes = |counts: AllCounts, size: (usize, usize)| {
            let (tenants, endpoints) = size;
            let parts = split(counts, PartSize { tenants, endpoints });
            let endpoints = |part: &AllCounts| part.values().map(HashMap::len).sum::<usize>();
            let size = |part: &AllCounts| (part.len(), endpoints(part));
            parts.iter().map(size).collect::<Vec<_>>()
        };
        assert_eq!(sizes(all(0, 0), (1, 1)), []);
        assert_eq!(sizes(all(2, 3), (1, 2)), [(1, 2), (1, 1), (1, 2), (1, 1)]);
        assert_eq!(sizes(all(3, 1), (2, 9)), [(2, 2), (1, 1)]);
        assert_eq!(sizes(all(2, 3), (9, 4)), [(2, 4), (1, 2)]);
    }
}
