//! Writing to the platform's output streams.

use wasi::cli::stdout::get_stdout;
use wasi::io::streams::{OutputStream, StreamError};

use crate::Log;

/// The maximum length of one `blocking_write_and_flush` (wasi:io 0.2, `output-stream`).
const WRITE: usize = 4096;

/// Writes and flushes all bytes.
pub fn write_all(stream: &OutputStream, bytes: &[u8]) -> Result<(), StreamError> {
    bytes
        .chunks(WRITE)
        .try_for_each(|chunk| stream.blocking_write_and_flush(chunk))
}

/// Writes the log, bypassing the standard library, whose first output line asks the platform about
/// every terminal and descriptor; in an instance that serves one request, each line is the first.
///
/// A failure is ignored: it does not affect the response.
pub fn write_log(log: &Log) {
    let _ = write_all(&get_stdout(), log.text().as_bytes());
}
