//! Messages for the user on standard output and standard error.
//!
//! Reporting never fails. Messages to a stream without a reader are dropped. Writes to standard
//! error never block: if its reader is too slow, the writes that do not fit in the queue are dropped
//! and counted.

use std::collections::VecDeque;
use std::fmt;
use std::io::{Write, stderr, stdout};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// The maximum size of the queue for standard error, in bytes.
const QUEUE_BYTES: usize = 1 << 20;

/// The longest wait for the reader at the end of the process.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Writes a line to standard error.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    write(format!("{text}\n").into_bytes());
}

/// Writes bytes to standard error, in one piece and in order.
pub(crate) fn write(bytes: Vec<u8>) {
    queue().push(bytes);
}

/// Writes a line to standard output.
pub(crate) fn print(text: fmt::Arguments<'_>) {
    let mut stream = stdout().lock();
    let _ = writeln!(stream, "{text}").and_then(|()| stream.flush());
}

/// Waits until the queue for standard error is written, at most one second.
pub(crate) fn flush() {
    queue().wait_until_empty();
}

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    writes: VecDeque<Vec<u8>>,
    bytes: usize,
    dropped: u64,
    /// Set while the thread writes what it took from the queue.
    is_writing: bool,
}

/// Returns the queue. A separate thread writes it, so that a stalled reader blocks only that thread.
fn queue() -> &'static Queue {
    static QUEUE: OnceLock<Queue> = OnceLock::new();
    static WRITER: OnceLock<()> = OnceLock::new();
    let queue = QUEUE.get_or_init(|| Queue {
        state: Mutex::default(),
        changed: Condvar::new(),
    });
    WRITER.get_or_init(|| {
        std::thread::spawn(|| queue.write_forever());
    });
    queue
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, bytes: Vec<u8>) {
        self.lock().push(bytes);
        self.changed.notify_all();
    }

    fn write_forever(&self) -> ! {
        loop {
            let writes = self.take();
            let mut stream = stderr().lock();
            for bytes in writes {
                let _ = stream.write_all(&bytes);
            }
            self.lock().is_writing = false;
            self.changed.notify_all();
        }
    }

    /// Waits for writes and takes them.
    fn take(&self) -> VecDeque<Vec<u8>> {
        let nothing = |state: &mut State| state.writes.is_empty();
        let state = self.changed.wait_while(self.lock(), nothing);
        state.unwrap_or_else(PoisonError::into_inner).take()
    }

    fn wait_until_empty(&self) {
        let unwritten = |state: &mut State| state.is_writing || !state.writes.is_empty();
        let _ = self
            .changed
            .wait_timeout_while(self.lock(), FLUSH_TIMEOUT, unwritten);
    }
}

impl State {
    fn push(&mut self, bytes: Vec<u8>) {
        if self.bytes + bytes.len() > QUEUE_BYTES {
            self.dropped += 1;
            return;
        }
        self.bytes += bytes.len();
        self.writes.push_back(bytes);
    }

    fn take(&mut self) -> VecDeque<Vec<u8>> {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            let notice =
                format!("{dropped} writes were dropped: standard error is read too slowly\n");
            self.writes.push_back(notice.into_bytes());
        }
        self.bytes = 0;
        self.is_writing = true;
        std::mem::take(&mut self.writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_that_do_not_fit_are_dropped_and_counted() {
        let mut state = State::default();
        for _ in 0..4 {
            state.push(vec![b'x'; QUEUE_BYTES / 2]);
        }
        let writes = state.take();
        assert_eq!(writes.len(), 3);
        assert_eq!(
            writes[2],
            b"2 writes were dropped: standard error is read too slowly\n"
        );
        state.push(vec![b'x'; QUEUE_BYTES]);
        assert_eq!(state.take().len(), 1);
    }
}
