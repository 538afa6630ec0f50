//! The ends of a command: success, failure, a signal, or a closed output.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;

use super::output::{OutputClosed, printable};
use crate::service::StopSignals;

/// Added to the number of a signal for an exit code, as shells do.
const SIGNALLED: u8 = 128;

/// The number of SIGPIPE, which ends other tools when the reader of their output is gone.
const BROKEN_PIPE: u8 = 13;

/// Runs `work` until it ends. SIGTERM and SIGINT end the process, also as process 1 of a container.
///
/// They end it at once: the work may wait for the reader of its output, and cannot be cancelled then.
pub async fn unless_stopped(work: impl Future<Output = Result<()>>) -> Result<()> {
    let mut stop = StopSignals::listen()?;
    tokio::spawn(async move {
        let signal = stop.received().await;
        std::process::exit(i32::from(SIGNALLED) + signal.as_raw_value());
    });
    work.await
}

/// Runs blocking work, such as reading standard input, on a thread where it does not delay the handling
/// of signals.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// Prints a failure on standard error, and returns the exit code: 0, 1 for a failure, 141 if the output was
/// closed. After a signal it is 130 or 143.
pub fn report(done: Result<()>) -> ExitCode {
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    if error.is::<OutputClosed>() {
        return (SIGNALLED + BROKEN_PIPE).into();
    }
    // An error may quote what a server or a file says.
    let line = format!("{}\n", printable(&format!("error: {error:#}")));
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
    ExitCode::FAILURE
}
