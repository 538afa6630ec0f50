//! The thread that reads, beside the one that writes.

use std::sync::{Arc, PoisonError};

use rusqlite::Connection;
use tokio::sync::mpsc::UnboundedReceiver;

use super::checkpoint::Gate;
use super::job::Outcome;
use super::queue::Shared;

/// What is asked of the reader.
pub(super) type ReadJob = Box<dyn FnOnce(&View<'_>) + Send>;

/// What a reader sees: the last commit, and what is in flight.
pub(super) struct View<'a> {
    pub sql: &'a Connection,
    pub shared: &'a Shared,
}

impl View<'_> {
    /// Has `read` see one and the same commit throughout.
    pub fn in_snapshot<T>(&self, read: impl FnOnce(&Self) -> Outcome<T>) -> Outcome<T> {
        let snapshot = self.sql.unchecked_transaction()?;
        let answer = read(self);
        snapshot.finish()?;
        answer
    }
}

pub(super) struct Reader {
    pub sql: Connection,
    pub shared: Arc<Shared>,
    pub read_jobs: UnboundedReceiver<ReadJob>,
    pub gate: Gate,
}

impl Reader {
    /// Works until nobody can ask for anything any more.
    pub fn run(mut self) {
        while let Some(read_job) = self.read_jobs.blocking_recv() {
            let _reading = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
            read_job(&View {
                sql: &self.sql,
                shared: &self.shared,
            });
        }
    }
}
