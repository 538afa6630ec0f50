//! Deliveries on their way from the writer to whoever had them claimed.
//!
//! A caller may have stopped waiting: its request was cancelled. What was claimed for it would stay
//! in flight for as long as its sender renews its lease, and nobody would try it. So it is given
//! back.

use std::sync::Arc;

use tokio::sync::mpsc::WeakUnboundedSender;

use super::complete::give_back;
use super::job::{Step, job};
use super::queue::{Key, Shared};
use super::writer::Command;

/// An answer, and what is given back where nobody takes it.
pub(super) struct Handover<T> {
    value: T,
    back: GiveBack,
}

/// Who takes things back.
#[derive(Clone)]
pub(super) struct Giver {
    pub commands: WeakUnboundedSender<Command>,
    pub shared: Arc<Shared>,
}

struct GiveBack {
    keys: Vec<Key>,
    lease: u64,
    giver: Giver,
}

impl Giver {
    /// Hands `value` over, with `keys` in flight under `lease`.
    pub fn hand_over<T>(&self, value: T, keys: Vec<Key>, lease: u64) -> Handover<T> {
        let giver = self.clone();
        let back = GiveBack { keys, lease, giver };
        Handover { value, back }
    }
}

impl<T> Handover<T> {
    /// From here on it is the caller's.
    pub fn take(mut self) -> T {
        self.back.keys.clear();
        self.value
    }
}

impl Drop for GiveBack {
    fn drop(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let Giver { commands, shared } = &self.giver;
        shared.lock().flights.abandon(&self.keys, self.lease);
        let shared = shared.clone();
        let (job, _) = job(move |tx| give_back(tx, shared.now()).map(Step::Done));
        if let Some(commands) = commands.upgrade() {
            // A writer that has ended has nothing in flight.
            let _ = commands.send(Command::Job(job));
        }
    }
}
