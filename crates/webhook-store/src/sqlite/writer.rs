//! The only thread that writes.

use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::mpsc::UnboundedReceiver;

use super::checkpoint::Checkpoints;
use super::fault::{Fault, unavailable};
use super::ids;
use super::job::{FaultResult, Job, Tx};
use super::lock::Lock;
use super::queue::Shared;
use crate::StoreError;

/// The maximum number of jobs that share a transaction and its sync.
const GROUP: usize = 256;

/// A command for the writer.
pub(super) enum Command {
    /// Runs in the next transaction.
    Job(Box<dyn Job>),
    /// Runs between two transactions, and only reads from the disk.
    Now(Box<dyn FnOnce(&Connection) + Send>),
}

pub(super) struct Writer {
    pub sql: Connection,
    pub shared: Arc<Shared>,
    pub commands: UnboundedReceiver<Command>,
    /// The last key of an event or a delivery.
    pub last_key: i64,
    pub checkpoints: Checkpoints,
    pub ids_mover: ids::Mover,
    /// The name of the store in errors.
    pub name: String,
    /// Dropped last, after the connection is closed.
    pub _lock: Lock,
}

impl Writer {
    /// Runs until all senders of commands are dropped.
    pub fn run(mut self) {
        let mut jobs = VecDeque::new();
        while self.collect(&mut jobs) {
            let group = jobs.len().min(GROUP);
            let unfinished = self.group(jobs.drain(..group).collect());
            // Behind the waiting jobs, which run between two steps of an unfinished one.
            jobs.extend(unfinished);
            self.move_ids();
            self.checkpoints.after_commit(&self.sql);
        }
    }

    fn move_ids(&mut self) {
        let moved = self.ids_mover.step(&self.sql, &self.shared, self.last_key);
        if let Err(error) = moved {
            tracing::warn!(%error, "ids of the store not moved to their table, which is tried again");
        }
    }

    /// Takes all waiting commands, and blocks only if no job is left. Returns false when all senders
    /// are dropped.
    fn collect(&mut self, jobs: &mut VecDeque<Box<dyn Job>>) -> bool {
        if jobs.is_empty() {
            match self.commands.blocking_recv() {
                Some(command) => self.take(command, jobs),
                None => return false,
            }
        }
        while let Ok(command) = self.commands.try_recv() {
            self.take(command, jobs);
        }
        true
    }

    fn take(&self, command: Command, jobs: &mut VecDeque<Box<dyn Job>>) {
        match command {
            Command::Job(job) => jobs.push_back(job),
            Command::Now(work) => work(&self.sql),
        }
    }

    /// Runs a step of each job in one transaction. Sends the results of finished jobs, and returns the
    /// unfinished ones.
    fn group(&mut self, jobs: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
        if jobs.is_empty() {
            return jobs;
        }
        let mut tx = Tx::new(&self.sql, &self.shared, &mut self.last_key);
        let (jobs, committed) = in_transaction(jobs, &mut tx);
        match committed {
            Ok(()) => tx.committed(),
            Err(detail) => return fail(jobs, &detail, &self.name),
        }
        let mut unfinished = Vec::new();
        for (job, step) in jobs {
            match step {
                Ok(true) => job.respond(Ok(())),
                Ok(false) => unfinished.push(job),
                Err(fault) => job.respond(Err(fault.of(&self.name))),
            }
        }
        unfinished
    }
}

type Stepped = (Box<dyn Job>, FaultResult<bool>);

/// Runs a step of all jobs and commits, or returns the reason for which nothing was committed.
fn in_transaction(jobs: Vec<Box<dyn Job>>, tx: &mut Tx<'_>) -> (Vec<Stepped>, Result<(), String>) {
    let alone = jobs.len() == 1;
    let mut going = execute(tx.sql, "BEGIN IMMEDIATE").map_err(|error| error.to_string());
    let mut stepped = Vec::with_capacity(jobs.len());
    for mut job in jobs {
        let step = match &going {
            Ok(()) => step(&mut job, tx, alone),
            Err(_) => Ok(false),
        };
        if let (false, true, Err(fault)) = (alone, tx.sql.is_autocommit(), &step) {
            // The engine rolled back the whole transaction, for instance because the disk is full.
            going = Err(fault.to_string());
        }
        stepped.push((job, step));
    }
    let committed = going.and_then(|()| finish(tx.sql).map_err(|error| error.to_string()));
    (stepped, committed)
}

fn finish(sql: &Connection) -> rusqlite::Result<()> {
    if sql.is_autocommit() {
        // The only job failed and was rolled back.
        return Ok(());
    }
    execute(sql, "COMMIT").inspect_err(|_| {
        // Fails if the engine has rolled back already.
        let _ = execute(sql, "ROLLBACK");
    })
}

/// Runs a step of one job. A failed step is rolled back, without effect on other jobs.
fn step(job: &mut Box<dyn Job>, tx: &mut Tx<'_>, alone: bool) -> FaultResult<bool> {
    let mark = tx.mark();
    if !alone {
        execute(tx.sql, "SAVEPOINT job")?;
    }
    let step = job.step(tx);
    let ended = match (&step, alone) {
        (Ok(_), true) => Ok(()),
        (Ok(_), false) => execute(tx.sql, "RELEASE job"),
        (Err(_), true) => execute(tx.sql, "ROLLBACK"),
        (Err(_), false) => {
            execute(tx.sql, "ROLLBACK TO job").and_then(|()| execute(tx.sql, "RELEASE job"))
        }
    };
    if step.is_err() || ended.is_err() {
        tx.back_to(mark);
    }
    let done = step?;
    ended.map_err(Fault::Sql)?;
    Ok(done)
}

fn execute(sql: &Connection, statement: &str) -> rusqlite::Result<()> {
    sql.prepare_cached(statement)?.execute([]).map(drop)
}

/// Fails all jobs, because nothing was committed. Earlier steps of a job may have been.
fn fail(jobs: Vec<Stepped>, detail: &str, name: &str) -> Vec<Box<dyn Job>> {
    for (job, step) in jobs {
        let error: StoreError = match step {
            Err(fault) => fault.of(name),
            Ok(_) => unavailable(name, &detail),
        };
        job.respond(Err(error));
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use tokio::sync::{mpsc, oneshot};

    use super::*;
    use crate::sqlite::checkpoint::{Gate, checkpoints};
    use crate::sqlite::job::{Step, job};
    use crate::sqlite::open::{Opened, open};

    type JobResult = oneshot::Receiver<Result<(), StoreError>>;

    fn writer(folder: &tempfile::TempDir) -> Writer {
        let opened = open(&folder.path().join("sender.db")).unwrap();
        let Opened {
            lock,
            writer: mut sql,
            checkpointer,
            ..
        } = opened;
        sql.execute_batch("CREATE TABLE notes (text TEXT PRIMARY KEY)")
            .unwrap();
        let gate = Gate::default();
        let (checkpoints, _) = checkpoints(&mut sql, checkpointer, gate.clone()).unwrap();
        Writer {
            sql,
            shared: Arc::default(),
            commands: mpsc::unbounded_channel().1,
            last_key: 0,
            checkpoints,
            ids_mover: ids::Mover::new(gate),
            name: "test".into(),
            _lock: lock,
        }
    }

    /// Returns a job that inserts `texts`, one in each step.
    fn note(texts: &'static [&'static str]) -> (Box<dyn Job>, JobResult) {
        let mut left = texts.iter();
        job(move |tx| {
            for text in left.by_ref().take(1) {
                tx.sql.execute("INSERT INTO notes VALUES (?1)", [text])?;
            }
            Ok(if left.len() == 0 {
                Step::Done(())
            } else {
                Step::More
            })
        })
    }

    /// Returns a job that inserts a row and then runs `statement`.
    fn then(statement: &'static str) -> (Box<dyn Job>, JobResult) {
        job(move |tx| {
            tx.sql
                .execute("INSERT INTO notes VALUES ('to be taken back')", [])?;
            tx.sql.execute(statement, [])?;
            Ok(Step::Done(()))
        })
    }

    fn notes(sql: &Connection) -> Vec<String> {
        let mut all = sql.prepare("SELECT text FROM notes ORDER BY text").unwrap();
        all.query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    const FAILS: &str = "INSERT INTO notes VALUES ('to be taken back')";

    #[test]
    fn a_failed_job_has_no_effect_on_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder);
        let (first, mut first_result) = note(&["a"]);
        let (failing, mut failing_result) = then(FAILS);
        let (last, mut last_result) = note(&["b"]);
        assert!(writer.group(vec![first, failing, last]).is_empty());
        assert!(first_result.try_recv().unwrap().is_ok());
        assert!(failing_result.try_recv().unwrap().is_err());
        assert!(last_result.try_recv().unwrap().is_ok());
        assert_eq!(notes(&writer.sql), ["a", "b"]);
    }

    #[test]
    fn a_failed_job_without_others_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder);
        let (failing, mut result) = then(FAILS);
        assert!(writer.group(vec![failing]).is_empty());
        assert!(result.try_recv().unwrap().is_err());
        let (next, mut result) = note(&["a"]);
        writer.group(vec![next]);
        assert!(result.try_recv().unwrap().is_ok());
        assert_eq!(notes(&writer.sql), ["a"]);
    }

    #[test]
    fn no_job_succeeds_when_the_transaction_is_rolled_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder);
        let (first, mut first_result) = note(&["a"]);
        // A full disk has this effect.
        let (failing, mut failing_result) = then("INSERT OR ROLLBACK INTO notes VALUES ('a')");
        let (last, mut last_result) = note(&["b"]);
        assert!(writer.group(vec![first, failing, last]).is_empty());
        for result in [&mut first_result, &mut failing_result, &mut last_result] {
            assert!(matches!(
                result.try_recv().unwrap(),
                Err(StoreError::Unavailable { .. })
            ));
        }
        assert_eq!(notes(&writer.sql), [""; 0]);
        let (next, mut result) = note(&["c"]);
        writer.group(vec![next]);
        assert!(result.try_recv().unwrap().is_ok());
    }

    #[test]
    fn other_jobs_run_between_two_steps() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder);
        let (long, mut long_result) = note(&["a", "b", "c"]);
        let (short, mut short_result) = note(&["d"]);
        let unfinished = writer.group(vec![long, short]);
        assert!(short_result.try_recv().unwrap().is_ok());
        assert!(long_result.try_recv().is_err());
        assert_eq!(notes(&writer.sql), ["a", "d"]);
        let unfinished = writer.group(unfinished);
        assert!(writer.group(unfinished).is_empty());
        assert!(long_result.try_recv().unwrap().is_ok());
        assert_eq!(notes(&writer.sql), ["a", "b", "c", "d"]);
    }
}
