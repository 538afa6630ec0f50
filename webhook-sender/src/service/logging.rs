//! The log: structured lines on standard error.

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts the log. `RUST_LOG`, where it is set, has the last word on levels.
///
/// # Errors
///
/// For levels that cannot be read, and where a log was started before.
pub fn start(config: &LogConfig) -> Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(levels) if !levels.is_empty() => EnvFilter::try_new(&levels)
            .with_context(|| format!("environment variable `RUST_LOG`: `{levels}`"))?,
        _ => EnvFilter::try_new(&config.filter)?,
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    let started = match config.format {
        LogFormat::Json => log.json().flatten_event(true).try_init(),
        LogFormat::Text => log.with_ansi(false).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}
