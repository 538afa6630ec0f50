//! Places: how many instances run at the same time.
//!
//! A request from outside takes a place at depth 0. A component that calls another of its app
//! keeps its own place while it waits for the answer, so the called one takes a place of the next
//! depth, and only of that. Nothing at the last depth waits for a place any more: it ends, its
//! caller goes on, and so waiting never turns in a circle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(super) struct Places(Vec<Level>);

/// The places of one depth.
struct Level {
    semaphore: Arc<Semaphore>,
    count: u32,
    /// The number of requests that wait for a place now.
    waiting: AtomicUsize,
}

/// Room for one instance, given back when it is dropped.
pub(crate) struct Place {
    pub(super) depth: usize,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// So many places at each depth.
    pub(super) fn new(counts: Vec<u32>) -> Self {
        let level = |count: u32| Level {
            semaphore: Arc::new(Semaphore::new(count as usize)),
            count,
            waiting: AtomicUsize::new(0),
        };
        Self(counts.into_iter().map(level).collect())
    }

    /// A place, as soon as one is free; none where calls are not let go so deep.
    pub(super) async fn take(&self, depth: usize) -> Option<Place> {
        let level = self.0.get(depth)?;
        let free = level.semaphore.clone().try_acquire_owned();
        let permit = match free {
            Ok(permit) => permit,
            Err(_) => level.wait().await?,
        };
        Some(Place {
            depth,
            _permit: permit,
        })
    }

    /// Returns `true` while requests from outside wait for a place.
    pub(super) fn are_wanted(&self) -> bool {
        let outermost = self.0.first();
        outermost.is_some_and(|level| level.waiting.load(Ordering::Relaxed) > 0)
    }

    /// Waits until every place is free. From outside to inside: a place that has become free
    /// stays so when nothing is left that could call.
    pub(super) async fn all_free(&self) {
        let mut held = Vec::new();
        for level in &self.0 {
            held.push(level.semaphore.acquire_many(level.count).await);
        }
    }
}

impl Level {
    /// A permit, as soon as there is one. The semaphore is never closed.
    async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        let _waiting = Waiting::begin(&self.waiting);
        self.semaphore.clone().acquire_owned().await.ok()
    }
}

/// Counts itself for as long as it lives: a wait may be given up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
