//! The thread that reads, concurrently with the one that writes.

use std::sync::{Arc, PoisonError};

use rusqlite::Connection;
use tokio::sync::mpsc::UnboundedReceiver;

use super::checkpoint::Gate;
use super::ids;
use super::job::FaultResult;
use super::queue::Shared;

/// A read for the reader's thread to run.
pub(super) type ReadJob = Box<dyn FnOnce(&View<'_>) + Send>;

/// The view of a read: the last commit, and the shared queue with the deliveries in flight.
pub(super) struct View<'a> {
    pub sql: &'a Connection,
    pub shared: &'a Shared,
}

impl View<'_> {
    /// Returns the keys of rows whose ids may have this hash.
    pub fn keys(&self, hash: i64) -> FaultResult<Vec<i64>> {
        Ok(ids::keys(self.sql, self.shared, hash)?)
    }

    /// Runs `read` on one snapshot of the database.
    pub fn in_snapshot<T>(&self, read: impl FnOnce(&Self) -> FaultResult<T>) -> FaultResult<T> {
        let snapshot = self.sql.unchecked_transaction()?;
        let result = read(self);
        snapshot.finish()?;
        result
    }
}

pub(super) struct Reader {
    pub sql: Connection,
    pub shared: Arc<Shared>,
    pub read_jobs: UnboundedReceiver<ReadJob>,
    pub gate: Gate,
}

impl Reader {
    /// Runs until all senders of reads are dropped.
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
