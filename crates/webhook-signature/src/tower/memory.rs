//! A deduplication store in this process's memory.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{BoxFuture, Claim, DedupStore, RETENTION, StoreError, Ticket};

/// Ids in this process's memory, with a maximum number and a retention time.
///
/// It is meant for a receiver with a single process: other processes do not share it, and a restart
/// empties it. When it is full, the ids that were done first are evicted; ids that are being
/// processed never are, and if it is full of those, a claim fails.
///
/// ```
/// use std::time::Duration;
/// use webhook_signature::tower::MemoryIds;
///
/// let ids = MemoryIds::new(100_000).retention(Duration::from_secs(24 * 60 * 60));
/// # let _ = ids;
/// ```
pub struct MemoryIds {
    ids: Arc<Mutex<Ids>>,
    capacity: usize,
    retention_seconds: u64,
}

#[derive(Default)]
struct Ids {
    states: HashMap<Arc<str>, State>,
    /// The done ids with the second at which each expires, the oldest first.
    done: VecDeque<(u64, Arc<str>)>,
}

enum State {
    InProgress,
    Done,
}

impl MemoryIds {
    /// Creates a store for `capacity` ids (at least one), each of which takes at most 400 bytes.
    pub fn new(capacity: usize) -> Self {
        Self {
            ids: Arc::default(),
            capacity: capacity.max(1),
            retention_seconds: RETENTION.as_secs(),
        }
    }

    /// Sets how long a done id is remembered, in whole seconds, instead of [`RETENTION`].
    ///
    /// It must be more than twice the layer's [tolerance](super::VerifyLayer::tolerance): the
    /// signature of a sender whose clock is ahead stays fresh for that long, and a captured request
    /// could be replayed.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention_seconds = retention.as_secs();
        self
    }

    fn claim_now(&self, id: &str, now: u64) -> Result<Claim, StoreError> {
        let mut ids = lock(&self.ids);
        ids.evict_expired(now);
        match ids.states.get(id) {
            Some(State::InProgress) => return Ok(Claim::InProgress),
            Some(State::Done) => return Ok(Claim::Done),
            None => ids.make_room(self.capacity)?,
        }
        let id: Arc<str> = id.into();
        ids.states.insert(Arc::clone(&id), State::InProgress);
        Ok(Claim::Granted(Box::new(MemoryTicket {
            ids: Arc::clone(&self.ids),
            id,
            expires_at: now.saturating_add(self.retention_seconds),
            completed: false,
        })))
    }
}

impl DedupStore for MemoryIds {
    fn claim<'a>(&'a self, id: &'a str, now: u64) -> BoxFuture<'a, Result<Claim, StoreError>> {
        Box::pin(core::future::ready(self.claim_now(id, now)))
    }
}

impl Ids {
    fn evict_expired(&mut self, now: u64) {
        while self.done.front().is_some_and(|(until, _)| *until <= now) {
            self.evict_oldest();
        }
    }

    fn make_room(&mut self, capacity: usize) -> Result<(), StoreError> {
        while self.states.len() >= capacity {
            if !self.evict_oldest() {
                return Err("the store is full of ids that are being processed".into());
            }
        }
        Ok(())
    }

    fn evict_oldest(&mut self) -> bool {
        let oldest = self.done.pop_front();
        oldest.is_some_and(|(_, id)| self.states.remove(&id).is_some())
    }
}

/// A claimed id. Only its ticket changes its state.
struct MemoryTicket {
    ids: Arc<Mutex<Ids>>,
    id: Arc<str>,
    expires_at: u64,
    completed: bool,
}

impl Ticket for MemoryTicket {
    fn complete(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        self.completed = true;
        let mut ids = lock(&self.ids);
        ids.states.insert(Arc::clone(&self.id), State::Done);
        ids.done.push_back((self.expires_at, Arc::clone(&self.id)));
        drop(ids);
        Box::pin(core::future::ready(Ok(())))
    }
}

impl Drop for MemoryTicket {
    fn drop(&mut self) {
        if !self.completed {
            lock(&self.ids).states.remove(&self.id);
        }
    }
}

/// Locks the ids. Nothing panics while holding the lock, so a poisoned one is still consistent.
fn lock(ids: &Mutex<Ids>) -> MutexGuard<'_, Ids> {
    ids.lock().unwrap_or_else(PoisonError::into_inner)
}
