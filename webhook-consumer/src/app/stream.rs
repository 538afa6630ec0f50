//! Writing to an output stream of the platform.

use wasi::io::streams::{OutputStream, StreamError};

/// The most that one `blocking_write_and_flush` takes (wasi:io 0.2, `output-stream`).
const WRITE: usize = 4096;

/// Writes and flushes all of it.
pub fn write_all(stream: &OutputStream, bytes: &[u8]) -> Result<(), StreamError> {
    bytes
        .chunks(WRITE)
        .try_for_each(|chunk| stream.blocking_write_and_flush(chunk))
}
