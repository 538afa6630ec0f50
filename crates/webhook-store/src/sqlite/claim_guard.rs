//! Guards of claims on their way from the writer to the caller.
//!
//! A caller may have stopped waiting because its request was cancelled. Its claims would stay in
//! flight without an attempt for as long as the sender renews its lease, so they are returned to the
//! queue.

use std::sync::Arc;

use tokio::sync::mpsc::WeakUnboundedSender;

use super::complete::return_claims;
use super::job::{Step, job};
use super::queue::{Key, Shared};
use super::writer::Command;

/// A result, and the claims that are returned if it is dropped before [`ClaimGuard::take`].
pub(super) struct ClaimGuard<T> {
    value: T,
    back: ReturnOnDrop,
}

/// The way back of claims: the writer's channel and the shared queue.
#[derive(Clone)]
pub(super) struct ClaimReturn {
    pub commands: WeakUnboundedSender<Command>,
    pub shared: Arc<Shared>,
}

struct ReturnOnDrop {
    keys: Vec<Key>,
    lease: u64,
    claim_return: ClaimReturn,
}

impl ClaimReturn {
    /// Guards `value`, whose claims `keys` are in flight under `lease`.
    pub fn guard<T>(&self, value: T, keys: Vec<Key>, lease: u64) -> ClaimGuard<T> {
        let claim_return = self.clone();
        let back = ReturnOnDrop {
            keys,
            lease,
            claim_return,
        };
        ClaimGuard { value, back }
    }
}

impl<T> ClaimGuard<T> {
    /// Returns the value, whose claims belong to the caller from now on.
    pub fn take(mut self) -> T {
        self.back.keys.clear();
        self.value
    }
}

impl Drop for ReturnOnDrop {
    fn drop(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let ClaimReturn { commands, shared } = &self.claim_return;
        shared.lock().in_flight.abandon(&self.keys, self.lease);
        let shared = shared.clone();
        let (job, _) = job(move |tx| return_claims(tx, shared.now()).map(Step::Done));
        if let Some(commands) = commands.upgrade() {
            // A writer that has ended has nothing in flight any more.
            let _ = commands.send(Command::Job(job));
        }
    }
}
