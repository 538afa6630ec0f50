//! Starts a sender, runs it, and stops it on a signal.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use super::reload::load;
use super::startup::{Running, StoreSession};
use super::stop::Signals;
use super::{descriptors, logging, startup};

/// Runs a sender with the configuration file at `path` until SIGTERM or SIGINT.
///
/// Prints `listening on http://ADDRESS` on standard output once the API accepts connections.
///
/// # Errors
///
/// Fails if the sender cannot start, or cannot stop cleanly in time.
pub async fn run(path: &Path) -> Result<()> {
    let ended = run_until_stopped(path).await;
    if !logging::finish() && ended.is_err() {
        // Standard error is full and not being read: writing the error there would block forever.
        std::process::exit(1);
    }
    ended
}

async fn run_until_stopped(path: &Path) -> Result<()> {
    // Before anything else: a signal without a handler kills the process, even SIGHUP.
    let Signals { mut stop, reload } = Signals::listen()?;
    let mut session = None;
    let started = tokio::select! {
        started = start(path, &mut session) => Some(started),
        _ = stop.received() => None,
    };
    if let Some(Ok(running)) = started {
        return running.until(stop, reload).await;
    }
    if let Some(session) = session {
        session.leave().await;
    }
    match started {
        Some(started) => started.map(drop),
        None => {
            tracing::info!("stopped before the start was complete");
            Ok(())
        }
    }
}

/// Starts a sender. Sets `session` as soon as the store is open, so that the caller can release the
/// lease if the start fails or is aborted.
async fn start(path: &Path, session: &mut Option<StoreSession>) -> Result<Running> {
    let config = load(path).await?;
    logging::start(&config.log)?;
    descriptors::raise_limit();
    let address = config.api.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("api.listen: cannot listen on {address}"))?;
    tracing::info!(summary = config.summary(), "starting");
    let session = session.insert(StoreSession::open(&config).await?);
    let sender = startup::build(config, path, session).await?;
    let running = sender.start(listener)?;
    announce(running.address);
    Ok(running)
}

/// Prints the address of the API. A thread waits for the reader of standard output, which may have
/// stopped reading: the sender must handle signals meanwhile. Without a thread or a reader, the line is
/// dropped.
fn announce(address: SocketAddr) {
    let writer = std::thread::Builder::new().name("stdout".into());
    let _ = writer.spawn(move || {
        let line = format!("listening on http://{address}\n");
        let mut output = std::io::stdout().lock();
        output
            .write_all(line.as_bytes())
            .and_then(|()| output.flush())
    });
}
