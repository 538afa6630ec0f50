//! Checkpoints, which keep the write-ahead log short.
//!
//! A checkpoint copies pages from the log into the database. A thread with its own connection copies
//! most of them, concurrently with the writer. The writer copies the few pages that were committed
//! meanwhile, so that the log is copied whole and starts from the beginning.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

/// The number of log pages (of 4 KiB) from which on the thread copies.
const SOFT: u32 = 2_000;

/// The number of log pages from which on the writer waits for a reader and copies itself.
const HARD: u32 = 16_000;

/// Held during a read: the log cannot start from the beginning under a reader.
pub(super) type Gate = Arc<Mutex<()>>;

/// The writer's side of the checkpoints.
pub(super) struct Checkpoints {
    /// The number of log pages after the last commit. Written by SQLite's hook.
    pages: Arc<AtomicU32>,
    /// The number of log pages at the last call.
    before: u32,
    /// The number of log pages at which to copy next.
    next: u32,
    copied: Arc<AtomicBool>,
    start: SyncSender<()>,
    gate: Gate,
}

/// The side of the thread that copies.
pub(super) struct Copier {
    sql: Connection,
    copied: Arc<AtomicBool>,
    started: Receiver<()>,
}

/// Returns both sides, for the log of `writer`.
pub(super) fn checkpoints(
    writer: &mut Connection,
    sql: Connection,
    gate: Gate,
) -> rusqlite::Result<(Checkpoints, Copier)> {
    let pages = Arc::new(AtomicU32::new(0));
    let seen = pages.clone();
    writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
        seen.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }))?;
    let (start, started) = sync_channel(1);
    let copied = Arc::new(AtomicBool::new(false));
    let copier = Copier {
        sql,
        copied: copied.clone(),
        started,
    };
    Ok((
        Checkpoints {
            pages,
            before: 0,
            next: SOFT,
            copied,
            start,
            gate,
        },
        copier,
    ))
}

impl Checkpoints {
    pub fn after_commit(&mut self, sql: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.before {
            self.next = SOFT;
        }
        self.before = pages;
        if self.copied.swap(false, Ordering::AcqRel) {
            copy(sql);
        } else if pages >= HARD.max(self.next) {
            let _quiet = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
            copy(sql);
            self.next = pages.saturating_add(SOFT);
        } else if pages >= self.next {
            self.next = pages.saturating_add(SOFT);
            // Fails if a copy is requested already, which is enough.
            let _ = self.start.try_send(());
        }
    }
}

impl Copier {
    /// Runs until the writer has ended.
    pub fn run(self) {
        while self.started.recv().is_ok() {
            copy(&self.sql);
            self.copied.store(true, Ordering::Release);
        }
    }
}

/// Copies the pages that can be copied without waiting. The others stay in the log, as durable.
fn copy(sql: &Connection) {
    let copied = sql.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = copied {
        tracing::warn!(%error, "checkpoint of the store failed");
    }
}
