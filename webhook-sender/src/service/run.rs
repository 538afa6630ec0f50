//! Starts a sender, runs it, and stops it on a signal.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use super::build::{Running, Seat};
use super::reload::load;
use super::stop::Signals;
use super::{build, descriptors, logging};

/// Runs a sender by the configuration file at `path`, until it is told to stop.
///
/// Its first line on standard output is `listening on http://ADDRESS`, once it can be called.
///
/// # Errors
///
/// What keeps it from starting, or from stopping without leaving work behind.
pub async fn run(path: &Path) -> Result<()> {
    let ended = run_until_stopped(path).await;
    if !logging::finish() && ended.is_err() {
        // Standard error is full and nobody reads it: to write the error there would never end.
        std::process::exit(1);
    }
    ended
}

async fn run_until_stopped(path: &Path) -> Result<()> {
    // Before anything else: a signal that has no handler yet ends the process, whatever it means.
    let Signals { mut stop, reload } = Signals::listen()?;
    let mut seat = None;
    let started = tokio::select! {
        started = start(path, &mut seat) => Some(started),
        _ = stop.received() => None,
    };
    if let Some(Ok(running)) = started {
        return running.until(stop, reload).await;
    }
    if let Some(seat) = seat {
        seat.leave().await;
    }
    match started {
        Some(started) => started.map(drop),
        None => {
            tracing::info!("stopped before the start was complete");
            Ok(())
        }
    }
}

/// Starts a sender. `seat` is what has to be left where that ends early.
async fn start(path: &Path, seat: &mut Option<Seat>) -> Result<Running> {
    let config = load(path).await?;
    logging::start(&config.log)?;
    descriptors::raise_limit();
    let address = config.api.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("api.listen: cannot listen on {address}"))?;
    tracing::info!(summary = config.summary(), "starting");
    let seat = seat.insert(Seat::open(&config).await?);
    let built = build::build(config, path, seat).await?;
    let running = built.start(listener)?;
    let address = running.address;
    // The process that started this one may have closed its output: that is no reason to stop.
    let _ = writeln!(std::io::stdout().lock(), "listening on http://{address}");
    Ok(running)
}
