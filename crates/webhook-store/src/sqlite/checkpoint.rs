//! Keeping the log short.
//!
//! A checkpoint copies pages from the log into the database. Most of it is done beside the writer,
//! on a connection of its own. What was committed meanwhile is little; the writer copies that
//! itself, so that the log is copied whole and begins anew.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

/// Pages in the log (of 4 KiB) from which on it is copied.
const SOFT: u32 = 2_000;

/// Pages from which on the writer waits for a reader in order to begin the log anew.
const HARD: u32 = 16_000;

/// Held while a read goes on: the log cannot begin anew under a reader.
pub(super) type Gate = Arc<Mutex<()>>;

/// The writer's end.
pub(super) struct Checkpoints {
    /// Pages in the log as of the last commit.
    pages: Arc<AtomicU32>,
    /// How many there were last time.
    before: u32,
    /// When to copy next.
    next: u32,
    copied: Arc<AtomicBool>,
    start: SyncSender<()>,
    gate: Gate,
}

/// The end of the thread that copies.
pub(super) struct Copier {
    sql: Connection,
    copied: Arc<AtomicBool>,
    started: Receiver<()>,
}

/// Both ends, for the log of `writer`.
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
            // Where one is under way already, that one will do.
            let _ = self.start.try_send(());
        }
    }
}

impl Copier {
    /// Works until the writer has ended.
    pub fn run(self) {
        while self.started.recv().is_ok() {
            copy(&self.sql);
            self.copied.store(true, Ordering::Release);
        }
    }
}

/// Copies what can be copied without waiting. What cannot stays in the log, where it is as safe.
fn copy(sql: &Connection) {
    let copied = sql.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = copied {
        tracing::warn!(%error, "the log of the store could not be copied");
    }
}
