//! The ends of a command: success, failure, a signal, or a closed output.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use tokio::signal::unix::SignalKind;

use super::output::{OutputClosed, printable};
use crate::service::StopSignals;

/// Added to the number of a signal for an exit code, as shells do.
const SIGNALLED: u8 = 128;

/// The number of SIGPIPE, which ends other tools when the reader of their output is gone.
const BROKEN_PIPE: u8 = 13;

/// The error of a command that a signal ended early.
#[derive(Debug, thiserror::Error)]
#[error("stopped by a signal")]
struct Stopped(SignalKind);

/// Runs `work` until it ends or SIGTERM or SIGINT arrives, also as process 1 of a container.
pub async fn unless_stopped(work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    let mut stop = StopSignals::listen()?;
    // In a task of its own, whose thread may wait for the reader of the output.
    let work = tokio::spawn(work);
    tokio::select! {
        done = work => done?,
        signal = stop.received() => Err(Stopped(signal).into()),
    }
}

/// Runs blocking work, such as reading standard input, on a thread where it does not delay the handling
/// of signals.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// Prints a failure on standard error, and returns the exit code: 0, 1 for a failure, 130 or 143 after a
/// signal, 141 if the output was closed.
pub fn report(done: Result<()>) -> ExitCode {
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    if error.is::<OutputClosed>() {
        return (SIGNALLED + BROKEN_PIPE).into();
    }
    if let Some(Stopped(signal)) = error.downcast_ref() {
        let number = u8::try_from(signal.as_raw_value()).unwrap_or_default();
        return (SIGNALLED + number).into();
    }
    // An error may quote what a server or a file says.
    let line = format!("{}\n", printable(&format!("error: {error:#}")));
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
    ExitCode::FAILURE
}
