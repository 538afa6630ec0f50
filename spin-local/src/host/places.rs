//! Places: how many instances run at the same time.
//!
//! A request from outside takes a place at depth 0. A component that calls another of its app
//! keeps its own place while it waits for the answer, so the called one takes a place of the next
//! depth, and only of that. Nothing at the last depth waits for a place any more: it ends, its
//! caller goes on, and so waiting never turns in a circle.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(super) struct Places(Vec<Level>);

/// The places of one depth.
struct Level {
    semaphore: Arc<Semaphore>,
    count: u32,
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
        };
        Self(counts.into_iter().map(level).collect())
    }

    /// A place, as soon as one is free; none where calls are not let go so deep.
    pub(super) async fn take(&self, depth: usize) -> Option<Place> {
        let semaphore = self.0.get(depth)?.semaphore.clone();
        let permit = semaphore.acquire_owned().await;
        // The semaphore is never closed.
        permit.ok().map(|permit| Place {
            depth,
            _permit: permit,
        })
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
