//! Permits: the limit on the number of instances that run at the same time.
//!
//! A request from a client takes a permit of depth 0. A component that calls another one keeps its
//! permit while it waits for the response, so the called component takes a permit of the next
//! depth, and only of that. Components at the last depth never wait for a permit: they end, their
//! callers continue, and so waiting never deadlocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The permits of all depths.
pub(super) struct Permits(Vec<Level>);

/// The permits of one depth.
struct Level {
    semaphore: Arc<Semaphore>,
    count: u32,
    /// The number of requests that wait for a permit now.
    waiting: AtomicUsize,
}

/// A permit for one instance, released when it is dropped.
pub(crate) struct Permit {
    pub(super) depth: usize,
    _permit: OwnedSemaphorePermit,
}

impl Permits {
    /// Creates the given number of permits for each depth.
    pub(super) fn new(counts: Vec<u32>) -> Self {
        let level = |count: u32| Level {
            semaphore: Arc::new(Semaphore::new(count as usize)),
            count,
            waiting: AtomicUsize::new(0),
        };
        Self(counts.into_iter().map(level).collect())
    }

    /// Waits for a permit. Returns `None` for a depth beyond the last one.
    pub(super) async fn acquire(&self, depth: usize) -> Option<Permit> {
        let level = self.0.get(depth)?;
        let free = level.semaphore.clone().try_acquire_owned();
        let permit = match free {
            Ok(permit) => permit,
            Err(_) => level.wait().await?,
        };
        Some(Permit {
            depth,
            _permit: permit,
        })
    }

    /// Returns `true` while requests from clients wait for a permit.
    pub(super) fn has_waiting(&self) -> bool {
        let outermost = self.0.first();
        outermost.is_some_and(|level| level.waiting.load(Ordering::Relaxed) > 0)
    }

    /// Waits until every permit is free. The order is from depth 0 inwards: once no caller is
    /// left at one depth, a free permit of the next depth stays free.
    pub(super) async fn wait_until_all_free(&self) {
        let mut held = Vec::new();
        for level in &self.0 {
            held.push(level.semaphore.acquire_many(level.count).await);
        }
    }
}

impl Level {
    /// Waits for a permit. The semaphore is never closed.
    async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        let _waiting = Waiting::begin(&self.waiting);
        self.semaphore.clone().acquire_owned().await.ok()
    }
}

/// A counted wait. The count is a guard's because a wait can be cancelled.
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
