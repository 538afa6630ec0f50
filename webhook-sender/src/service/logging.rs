//! The log: structured lines on standard error.
//!
//! Logging never blocks the work that it reports. A line is put into a bounded queue that a dedicated
//! thread writes out, together with others that arrive within [`GATHER`]. A line that finds the queue
//! full, or that cannot be written, is dropped and counted. No task waits for the reader of standard
//! error, and its failures are reported in the count only.

#![allow(
    clippy::disallowed_methods,
    reason = "`RUST_LOG` sets the levels, and the thread that writes sleeps"
)]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogConfig, LogFormat};

/// The most bytes of queued lines.
const MAX_QUEUED_BYTES: usize = 4 << 20;

/// The time for which the thread gathers lines before it writes them. Waking it for each line would
/// take more CPU time than the lines themselves.
const GATHER: Duration = Duration::from_millis(2);

/// The capacity that a buffer keeps after a burst of lines.
const KEPT_CAPACITY: usize = 64 << 10;

/// The longest wait for queued lines at the end of the process.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The number of lines that this process has dropped since it started.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// The queue of this process; empty until [`start`].
static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();

/// A factory of [`Line`] writers.
struct Log(Arc<Queue>);

/// The queue between the tasks that log and the thread that writes.
#[derive(Default)]
struct Queue {
    lines: Mutex<Lines>,
    /// Notified by `put`; the writing thread waits for it.
    added: Condvar,
    /// Notified by the writing thread when the queue is empty; `finish` waits for it.
    written: Condvar,
}

#[derive(Default)]
struct Lines {
    waiting: Vec<u8>,
    /// The number of lines in `waiting`.
    count: u64,
    /// True while the thread writes lines that it has taken out of `waiting`.
    writing: bool,
    /// True while the thread waits for a line.
    idle: bool,
}

/// A writer that queues its input: the formatter writes each line in one call.
struct Line(Arc<Queue>);

/// Returns the number of log lines dropped so far.
pub fn dropped_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Starts the log. `RUST_LOG`, if set, overrides the configured levels. Panics are logged too.
///
/// # Errors
///
/// Fails if the levels cannot be parsed, or if a log was started before.
pub fn start(config: &LogConfig) -> Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(levels) if !levels.is_empty() => EnvFilter::try_new(&levels)
            .with_context(|| format!("environment variable `RUST_LOG`: `{levels}`"))?,
        _ => EnvFilter::try_new(&config.filter)?,
    };
    let queue = Arc::new(Queue::default());
    // A separate descriptor: the lock of the standard library's handle would be held while a write
    // blocks, and other writers of standard error would wait for it.
    let stderr = io::stderr().as_fd().try_clone_to_owned().map(File::from);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Log(queue.clone()))
        .log_internal_errors(false)
        .with_target(false);
    let started = match config.format {
        LogFormat::Json => log.json().flatten_event(true).try_init(),
        LogFormat::Text => log.with_ansi(false).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))?;
    let writer = std::thread::Builder::new().name("log".into());
    let lines = queue.clone();
    writer.spawn(move || lines.write_to(stderr))?;
    // The default hook writes to standard error and would block on its reader.
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a task panicked")));
    let _first = QUEUE.set(queue);
    Ok(())
}

/// Waits up to [`LAST_LINES`] until every line is written. Returns `false` if lines are left, which
/// means that standard error is not being read.
pub fn finish() -> bool {
    let Some(queue) = QUEUE.get() else {
        return true;
    };
    let pending = |lines: &mut Lines| lines.writing || !lines.waiting.is_empty();
    let waited = queue
        .written
        .wait_timeout_while(queue.lock(), LAST_LINES, pending);
    let (_lines, waited) = waited.unwrap_or_else(PoisonError::into_inner);
    !waited.timed_out()
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.0.clone())
    }
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Queue {
    fn put(&self, line: &[u8]) {
        let mut lines = self.lock();
        if lines.waiting.len() + line.len() > MAX_QUEUED_BYTES {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            return;
        }
        lines.waiting.extend_from_slice(line);
        lines.count += 1;
        let wakes = std::mem::take(&mut lines.idle);
        drop(lines);
        if wakes {
            self.added.notify_one();
        }
    }

    /// Writes queued lines. Never returns.
    fn write_to(&self, mut stderr: io::Result<File>) {
        let mut buffer = Vec::new();
        loop {
            let count = self.next(&mut buffer);
            let written = match &mut stderr {
                Ok(stderr) => stderr.write_all(&buffer).is_ok(),
                Err(_) => false,
            };
            if !written {
                DROPPED.fetch_add(count, Ordering::Relaxed);
            }
            buffer.clear();
            buffer.shrink_to(KEPT_CAPACITY);
        }
    }

    /// Marks the previous lines as written, and waits for the next ones. Puts them into `buffer`, which
    /// is empty, and returns their number.
    fn next(&self, buffer: &mut Vec<u8>) -> u64 {
        let mut lines = self.lock();
        lines.writing = false;
        while lines.waiting.is_empty() {
            self.written.notify_all();
            lines.idle = true;
            let added = self.added.wait(lines);
            lines = added.unwrap_or_else(PoisonError::into_inner);
            if !lines.waiting.is_empty() {
                drop(lines);
                std::thread::sleep(GATHER);
                lines = self.lock();
            }
        }
        lines.writing = true;
        std::mem::swap(&mut lines.waiting, buffer);
        std::mem::take(&mut lines.count)
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_finds_the_queue_full_is_dropped_and_counted() {
        let (queue, before) = (Queue::default(), dropped_lines());
        let line = vec![b'x'; MAX_QUEUED_BYTES / 2];
        for _ in 0..3 {
            queue.put(&line);
        }
        assert_eq!(queue.lock().count, 2);
        assert_eq!(dropped_lines() - before, 1);
        assert_eq!(queue.next(&mut Vec::new()), 2);
        queue.put(&line);
        assert_eq!(
            queue.lock().count,
            1,
            "a line is queued again after a write"
        );
    }
}
