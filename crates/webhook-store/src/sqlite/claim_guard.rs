//! Deliveries on their way from the writer to whoever had them claimed.
//!
//! A caller may have stopped waiting: its request was cancelled. What was claimed for it would stay
//! in flight for as long as its sender renews its lease, and nobody would try it. So it is given
//! back.

use std::sync::Arc;

use tokio::sync::mpsc::WeakUnboundedSender;

use super::complete::return_claims;
use super::job::{Step, job};
use super::queue::{Key, Shared};
use super::writer::Command;

/// An answer, and what is given back where nobody takes it.
pub(super) struct ClaimGuard<T> {
    value: T,
    back: ReturnOnDrop,
}

/// Who takes things back.
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
    /// Hands `value` over, with `keys` in flight under `lease`.
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
    /// From here on it is the caller's.
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
            // A writer that has ended has nothing in flight.
            let _ = commands.send(Command::Job(job));
        }
    }
}
