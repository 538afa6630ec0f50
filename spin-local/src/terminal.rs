//! Lines for the person who runs the app, on the two standard streams.
//!
//! Nothing here fails or blocks the code that reports. A stream whose reader has gone away takes
//! nothing more; where the reader of standard error is too slow, the writes that no longer fit
//! the queue are left out and counted.

use std::collections::VecDeque;
use std::fmt;
use std::io::{Write, stderr, stdout};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Bytes that wait for the reader of standard error.
const QUEUE_BYTES: usize = 1 << 20;

/// The longest wait for the reader at the end of the process.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Writes a line to standard error.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    write(format!("{text}\n").into_bytes());
}

/// Writes bytes to standard error, whole and in order.
pub(crate) fn write(bytes: Vec<u8>) {
    queue().push(bytes);
}

/// Writes a line to standard output.
pub(crate) fn print(text: fmt::Arguments<'_>) {
    let mut stream = stdout().lock();
    let _ = writeln!(stream, "{text}").and_then(|()| stream.flush());
}

/// Waits until standard error has what was written to it, for no longer than a second.
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
    left_out: u64,
    /// Set while the writer has taken writes out and not finished with them.
    is_writing: bool,
}

/// The queue, with a thread of its own that writes: a reader that stands still blocks that thread
/// alone.
fn queue() -> &'static Queue {
    static QUEUE: OnceLock<Queue> = OnceLock::new();
    static WRITER: OnceLock<()> = OnceLock::new();
    let queue = QUEUE.get_or_init(|| Queue {
        state: Mutex::default(),
        changed: Condvar::new(),
    });
    WRITER.get_or_init(|| {
        std::thread::spawn(|| queue.write_for_ever());
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

    fn write_for_ever(&self) -> ! {
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

    /// Waits for something to write.
    fn take(&self) -> VecDeque<Vec<u8>> {
        let nothing = |state: &mut State| state.writes.is_empty();
        let state = self.changed.wait_while(self.lock(), nothing);
        state.unwrap_or_else(PoisonError::into_inner).take()
    }

    fn wait_until_empty(&self) {
        let unwritten = |state: &mut State| state.is_writing || !state.writes.is_empty();
        let _ = self
            .changed
            .wait_timeout_while(self.lock(), LAST_WAIT, unwritten);
    }
}

impl State {
    fn push(&mut self, bytes: Vec<u8>) {
        if self.bytes + bytes.len() > QUEUE_BYTES {
            self.left_out += 1;
            return;
        }
        self.bytes += bytes.len();
        self.writes.push_back(bytes);
    }

    fn take(&mut self) -> VecDeque<Vec<u8>> {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            let notice =
                format!("{left_out} writes were left out: standard error is read too slowly\n");
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
    fn what_does_not_fit_is_left_out_and_counted() {
        let mut state = State::default();
        for _ in 0..4 {
            state.push(vec![b'x'; QUEUE_BYTES / 2]);
        }
        let writes = state.take();
        assert_eq!(writes.len(), 3);
        assert_eq!(
            writes[2],
            b"2 writes were left out: standard error is read too slowly\n"
        );
        state.push(vec![b'x'; QUEUE_BYTES]);
        assert_eq!(state.take().len(), 1);
    }
}
