//! Signals that stop or reload the sender.

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that a sender handles. A signal that arrives while no task waits for it is kept.
pub struct Signals {
    pub stop: StopSignals,
    pub reload: ReloadSignal,
}

/// SIGTERM and SIGINT. Process 1 of a container has no default action for them, so without a handler
/// they would be ignored.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

/// SIGHUP.
pub struct ReloadSignal(Signal);

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    ///
    /// Fails if the system does not allow it.
    pub fn listen() -> Result<Self> {
        Ok(Self {
            stop: StopSignals::listen()?,
            reload: ReloadSignal(listen(SignalKind::hangup())?),
        })
    }
}

impl StopSignals {
    /// Installs the handlers.
    ///
    /// # Errors
    ///
    /// Fails if the system does not allow it.
    pub fn listen() -> Result<Self> {
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next signal, and returns its kind.
    pub async fn received(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}

impl ReloadSignal {
    /// Waits for the next signal. Several that arrive in the meantime count as one.
    pub async fn received(&mut self) {
        self.0.recv().await;
    }
}

fn listen(kind: SignalKind) -> Result<Signal> {
    signal(kind).context("cannot install signal handlers")
}
