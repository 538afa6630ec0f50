//! The log: structured lines on standard error.
//!
//! Logging never blocks the work that it reports. A line is put into a bounded queue that a dedicated
//! thread writes out. A line that finds the queue full, or that cannot be written, is dropped and
//! counted. No task waits for the reader of standard error, and its failures are reported in the count
//! only.

#![allow(clippy::disallowed_methods, reason = "`RUST_LOG` sets the levels")]

use std::collections::VecDeque;
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
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    /// True while the thread writes a line that it has taken out of `waiting`.
    writing: bool,
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
        if lines.bytes + line.len() > MAX_QUEUED_BYTES {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            return;
        }
        lines.bytes += line.len();
        lines.waiting.push_back(line.to_vec());
        drop(lines);
        self.added.notify_one();
    }

    /// Writes queued lines. Never returns.
    fn write_to(&self, mut stderr: io::Result<File>) {
        loop {
            let line = self.next();
            let written = match &mut stderr {
                Ok(stderr) => stderr.write_all(&line).is_ok(),
                Err(_) => false,
            };
            if !written {
                DROPPED.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Waits for the next line, and marks the previous one as written.
    fn next(&self) -> Vec<u8> {
        let mut lines = self.lock();
        lines.writing = false;
        loop {
            if let Some(line) = lines.waiting.pop_front() {
                lines.bytes -= line.len();
                lines.writing = true;
                return line;
            }
            self.written.notify_all();
            let added = self.added.wait(lines);
            lines = added.unwrap_or_else(PoisonError::into_inner);
        }
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
        assert_eq!(queue.lock().waiting.len(), 2);
        assert_eq!(dropped_lines() - before, 1);
        queue.next();
        queue.put(&line);
        assert_eq!(
            queue.lock().waiting.len(),
            2,
            "a line is queued again after one was written"
        );
    }
}
