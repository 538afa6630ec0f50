//! Signals, and what they ask for.

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that a sender handles. One that arrives while nobody waits for it is kept.
pub struct Signals {
    pub stop: StopSignals,
    pub reload: ReloadSignal,
}

/// SIGTERM and SIGINT. Process 1 of a container has no default action for them: a command that does
/// not handle them ignores them.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

/// SIGHUP.
pub struct ReloadSignal(Signal);

impl Signals {
    /// Handles the signals from now on.
    ///
    /// # Errors
    ///
    /// Where the system does not allow it.
    pub fn listen() -> Result<Self> {
        Ok(Self {
            stop: StopSignals::listen()?,
            reload: ReloadSignal(listen(SignalKind::hangup())?),
        })
    }
}

impl StopSignals {
    /// Handles the signals from now on.
    ///
    /// # Errors
    ///
    /// Where the system does not allow it.
    pub fn listen() -> Result<Self> {
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one.
    pub async fn received(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}

impl ReloadSignal {
    /// Waits for the next one. Several that arrive meanwhile count as one.
    pub async fn received(&mut self) {
        self.0.recv().await;
    }
}

fn listen(kind: SignalKind) -> Result<Signal> {
    signal(kind).context("signals cannot be handled")
}
