//! Seen ids in this process's memory.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{BoxFuture, Claim, RETENTION, SeenIds, StoreError, Ticket};

/// Ids in this process's memory, up to a number of them, each up to a time.
///
/// For receivers of one process: others do not see them, and a restart forgets them. When there is
/// no room the longest done are forgotten first; ids that are being processed never are, and with
/// nothing but those a claim fails.
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
    /// The done ones with the second at which each is forgotten, the longest done first.
    done: VecDeque<(u64, Arc<str>)>,
}

enum State {
    Claimed,
    Done,
}

impl MemoryIds {
    /// Room for so many ids, some 400 bytes each at most, and for one at least.
    pub fn new(capacity: usize) -> Self {
        Self {
            ids: Arc::default(),
            capacity: capacity.max(1),
            retention_seconds: RETENTION.as_secs(),
        }
    }

    /// Remembers a done id for so long, instead of [`RETENTION`]; whole seconds count.
    ///
    /// It has to be more than twice the layer's [tolerance](super::VerifyLayer::tolerance): a
    /// signature of a sender whose clock is ahead is fresh for that long, and whoever has captured
    /// it could have it processed again.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention_seconds = retention.as_secs();
        self
    }

    fn claim_now(&self, id: &str, now: u64) -> Result<Claim, StoreError> {
        let mut ids = lock(&self.ids);
        ids.forget_expired(now);
        match ids.states.get(id) {
            Some(State::Claimed) => return Ok(Claim::InProgress),
            Some(State::Done) => return Ok(Claim::Done),
            None => ids.make_room(self.capacity)?,
        }
        let id: Arc<str> = id.into();
        ids.states.insert(Arc::clone(&id), State::Claimed);
        Ok(Claim::Granted(Box::new(Claimed {
            ids: Arc::clone(&self.ids),
            id,
            forgotten_at: now.saturating_add(self.retention_seconds),
            completed: false,
        })))
    }
}

impl SeenIds for MemoryIds {
    fn claim<'a>(&'a self, id: &'a str, now: u64) -> BoxFuture<'a, Result<Claim, StoreError>> {
        Box::pin(core::future::ready(self.claim_now(id, now)))
    }
}

impl Ids {
    fn forget_expired(&mut self, now: u64) {
        while self.done.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
    }

    fn make_room(&mut self, capacity: usize) -> Result<(), StoreError> {
        while self.states.len() >= capacity {
            if !self.forget_oldest() {
                return Err("as many ids are being processed as there is room for".into());
            }
        }
        Ok(())
    }

    fn forget_oldest(&mut self) -> bool {
        let oldest = self.done.pop_front();
        oldest.is_some_and(|(_, id)| self.states.remove(&id).is_some())
    }
}

/// A claimed id. Whoever holds it is the only one to change its state.
struct Claimed {
    ids: Arc<Mutex<Ids>>,
    id: Arc<str>,
    forgotten_at: u64,
    completed: bool,
}

impl Ticket for Claimed {
    fn complete(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        self.completed = true;
        let mut ids = lock(&self.ids);
        ids.states.insert(Arc::clone(&self.id), State::Done);
        ids.done
            .push_back((self.forgotten_at, Arc::clone(&self.id)));
        drop(ids);
        Box::pin(core::future::ready(Ok(())))
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if !self.completed {
            lock(&self.ids).states.remove(&self.id);
        }
    }
}

/// Nothing panics while it holds the lock, and each change is whole: a poisoned one is as good.
fn lock(ids: &Mutex<Ids>) -> MutexGuard<'_, Ids> {
    ids.lock().unwrap_or_else(PoisonError::into_inner)
}
