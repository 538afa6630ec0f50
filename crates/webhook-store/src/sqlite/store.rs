//! The store: sends each call to the writer or the reader, and waits for the result.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use webhook_model::Millis;

use super::checkpoint::{Gate, checkpoints};
use super::claim_guard::ClaimReturn;
use super::fault::unavailable;
use super::ids::{self, Mover};
use super::job::{FaultResult, Step, Tx, job};
use super::open::{Opened, open};
use super::prune::PruneCursor;
use super::queue::Shared;
use super::reader::{ReadJob, Reader, View};
use super::writer::{Command, Writer};
use super::{OpenError, lookup, sweep};
use crate::unwritten::UnwrittenCounts;
use crate::{Result, StoreError};

/// A store in one SQLite file. Dropping it closes the file.
pub struct SqliteStore {
    name: Arc<str>,
    pub(super) shared: Arc<Shared>,
    pub(super) unwritten: UnwrittenCounts,
    pub(super) prune_cursor: Arc<Mutex<PruneCursor>>,
    commands: Option<mpsc::UnboundedSender<Command>>,
    read_jobs: Option<mpsc::UnboundedSender<ReadJob>>,
    threads: Vec<JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens the store in `file`, which is created if it does not exist.
    ///
    /// # Errors
    ///
    /// An [`OpenError`] that names the file.
    pub fn open(file: &Path) -> std::result::Result<Self, OpenError> {
        let mut opened = open(file)?;
        let shared = Arc::new(Shared::default());
        let last_key =
            begin(&mut opened.writer, &shared).map_err(|fault| OpenError::of(file, &fault))?;
        let name: Arc<str> = format!("sqlite://{}", file.display()).into();
        Self::start(opened, shared, last_key, name).map_err(|error| OpenError::of(file, &*error))
    }

    fn start(
        opened: Opened,
        shared: Arc<Shared>,
        last_key: i64,
        name: Arc<str>,
    ) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let Opened {
            lock,
            writer: mut sql,
            reader,
            checkpointer,
        } = opened;
        let gate = Gate::default();
        let (checkpoints, copier) = checkpoints(&mut sql, checkpointer, gate.clone())?;
        let (commands, received_commands) = mpsc::unbounded_channel();
        let (read_jobs, received_reads) = mpsc::unbounded_channel();
        let writer = Writer {
            sql,
            shared: shared.clone(),
            commands: received_commands,
            last_key,
            checkpoints,
            ids_mover: Mover::new(gate.clone()),
            name: name.to_string(),
            _lock: lock,
        };
        let reader = Reader {
            sql: reader,
            shared: shared.clone(),
            read_jobs: received_reads,
            gate,
        };
        Ok(Self {
            name,
            shared,
            unwritten: UnwrittenCounts::default(),
            prune_cursor: Arc::default(),
            commands: Some(commands),
            read_jobs: Some(read_jobs),
            threads: vec![
                thread("store-reader", move || reader.run())?,
                thread("store-copier", move || copier.run())?,
                thread("store-writer", move || writer.run())?,
            ],
        })
    }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

/// Finishes deletions that an earlier process left unfinished, and loads the queue. Returns the
/// last key in use.
fn begin(sql: &mut Connection, shared: &Shared) -> FaultResult<i64> {
    let mut last_key = lookup::last_key(sql)?;
    let (tenants, endpoints) = sweep::unfinished(sql)?;
    let mut until_done = |step: &dyn Fn(&mut Tx<'_>) -> FaultResult<bool>| -> FaultResult<()> {
        let mut done = false;
        while !done {
            let transaction = sql.transaction()?;
            done = step(&mut Tx::new(&transaction, shared, &mut last_key))?;
            transaction.commit()?;
        }
        Ok(())
    };
    for tenant in tenants {
        until_done(&|tx| sweep::tenant(tx, tenant))?;
    }
    for endpoint in endpoints {
        until_done(&|tx| sweep::endpoint(tx, &endpoint))?;
    }
    let mut queue = shared.lock();
    lookup::load(sql, &mut queue)?;
    Ok(ids::load(sql, &mut queue.recent_ids, last_key)?)
}

/// Ends the threads by closing their channels, and closes the file.
impl Drop for SqliteStore {
    fn drop(&mut self) {
        (self.commands, self.read_jobs) = (None, None);
        for thread in self.threads.drain(..) {
            // The panic of a thread is reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl SqliteStore {
    fn closed(&self) -> StoreError {
        unavailable(&self.name, &"closed after a failure")
    }

    pub(super) fn observe_time(&self, now: Millis) -> Millis {
        self.shared.observe_time(now)
    }

    /// Returns the handle that returns claims whose caller stopped waiting.
    pub(super) fn claim_return(&self) -> Result<ClaimReturn> {
        let commands = self.commands.as_ref().ok_or_else(|| self.closed())?;
        Ok(ClaimReturn {
            commands: commands.downgrade(),
            shared: self.shared.clone(),
        })
    }

    fn command(&self, command: Command) -> Result<()> {
        let commands = self.commands.as_ref().ok_or_else(|| self.closed())?;
        commands.send(command).map_err(|_| self.closed())
    }

    pub(super) async fn steps<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> FaultResult<Step<T>> + Send + 'static,
    ) -> Result<T> {
        let (job, result) = job(work);
        self.command(Command::Job(job))?;
        result.await.unwrap_or_else(|_| Err(self.closed()))
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Tx<'_>) -> FaultResult<T> + Send + 'static,
    ) -> Result<T> {
        self.steps(move |tx| work(tx).map(Step::Done)).await
    }

    /// Runs `work` on the writer's thread between two transactions.
    pub(super) async fn between_transactions<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Shared) -> FaultResult<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, result) = oneshot::channel();
        let (shared, name) = (self.shared.clone(), self.name.clone());
        self.command(Command::Now(Box::new(move |sql| {
            let _ = reply.send(work(sql, &shared).map_err(|fault| fault.of(&name)));
        })))?;
        result.await.unwrap_or_else(|_| Err(self.closed()))
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&View<'_>) -> FaultResult<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, result) = oneshot::channel();
        let name = self.name.clone();
        let read_jobs = self.read_jobs.as_ref().ok_or_else(|| self.closed())?;
        let read_job: ReadJob = Box::new(move |view| {
            let _ = reply.send(view.in_snapshot(work).map_err(|fault| fault.of(&name)));
        });
        read_jobs.send(read_job).map_err(|_| self.closed())?;
        result.await.unwrap_or_else(|_| Err(self.closed()))
    }
}
