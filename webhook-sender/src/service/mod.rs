//! The sender as a process: puts the parts together, and takes them apart when it is told to stop.

mod build;
mod descriptors;
mod logging;
mod reload;
mod status;
mod stop;
mod stream;
mod upkeep;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::config::Config;

/// Runs a sender by the configuration file at `path`, until it is told to stop.
///
/// Its first line on standard output is `listening on http://ADDRESS`, once it can be called.
///
/// # Errors
///
/// What keeps it from starting, or from stopping without leaving work behind.
pub async fn run(path: &Path) -> Result<()> {
    let config = load(path).await?;
    logging::start(&config.log)?;
    descriptors::raise_limit();
    let signals = stop::Signals::listen()?;
    let address = config.api.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("api.listen: cannot listen on {address}"))?;
    tracing::info!(summary = config.summary(), "starting");
    let running = build::build(config, path).await?.start(listener)?;
    let address = running.address;
    // Whoever started the process may have closed its output: that is no reason to stop.
    let _ = writeln!(std::io::stdout().lock(), "listening on http://{address}");
    running.until(signals).await
}

/// Reads the file away from the async threads: it may have components to compile.
async fn load(path: &Path) -> Result<Config> {
    let path = path.to_owned();
    let loaded = tokio::task::spawn_blocking(move || Config::load(&path)).await?;
    loaded.map_err(Into::into)
}
