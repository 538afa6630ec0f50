//! How a command ends: done, failed, told to stop, or with nobody left to read its output.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use tokio::signal::unix::SignalKind;

use super::output::OutputClosed;
use crate::service::StopSignals;

/// What is added to a signal's number for an exit code, as shells do for a process that it ended.
const SIGNALLED: u8 = 128;

/// SIGPIPE, which ends other tools when the reader of their output is gone.
const BROKEN_PIPE: u8 = 13;

/// A signal ended the command before it was done.
#[derive(Debug, thiserror::Error)]
#[error("stopped by a signal")]
struct Stopped(SignalKind);

/// Does `work`, or ends at SIGTERM or SIGINT, process 1 of a container included.
pub async fn unless_stopped(work: impl Future<Output = Result<()>>) -> Result<()> {
    let mut stop = StopSignals::listen()?;
    tokio::select! {
        done = work => done,
        signal = stop.received() => Err(Stopped(signal).into()),
    }
}

/// Does work that blocks, such as reading standard input, where it keeps no signal from being
/// handled.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// Says on standard error what went wrong, if that can be said, and returns the exit code: 0, 1 for
/// a failure, 130 or 143 after a signal, 141 where the reader of the output is gone.
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
    let _ = writeln!(std::io::stderr().lock(), "error: {error:#}");
    ExitCode::FAILURE
}
