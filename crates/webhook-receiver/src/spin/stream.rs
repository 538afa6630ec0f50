//! Writing to an output stream of the platform.

use wasi::cli::stdout::get_stdout;
use wasi::io::streams::{OutputStream, StreamError};

use crate::Log;

/// The most that one `blocking_write_and_flush` takes (wasi:io 0.2, `output-stream`).
const WRITE: usize = 4096;

/// Writes and flushes all of it.
pub fn write_all(stream: &OutputStream, bytes: &[u8]) -> Result<(), StreamError> {
    bytes
        .chunks(WRITE)
        .try_for_each(|chunk| stream.blocking_write_and_flush(chunk))
}

/// Writes the log past the standard library, whose first line out asks the platform about every
/// terminal and descriptor there is; in an instance that lives for one request, each line is the
/// first.
///
/// A log that cannot be written is no reason to answer otherwise.
pub fn write_log(log: &Log) {
    let _ = write_all(&get_stdout(), log.text().as_bytes());
}
