//! A sender whose tasks run: follows its configuration file, and stops the tasks in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use webhook_store::Lease;

use super::reload::Reload;
use super::stop::{ReloadSignal, StopSignals};
use super::supervisor::Supervisor;

/// A sender whose tasks run.
pub struct Running {
    /// The address that the API listens on.
    pub address: SocketAddr,
    pub(super) reload: Reload,
    pub(super) lease: Arc<Lease>,
    pub(super) supervisor: Supervisor,
    /// The longest duration of a stop.
    pub(super) stop_timeout: Duration,
    /// Stops the tasks that bring in work: intake, planning and the API.
    pub(super) intake: CancellationToken,
    /// Stops delivery, after the intake tasks have ended.
    pub(super) delivery: CancellationToken,
    /// Stops the maintenance tasks, last: delivery needs the lease that they renew.
    pub(super) maintenance: CancellationToken,
    pub(super) api: JoinHandle<()>,
    pub(super) intake_tasks: Vec<JoinHandle<()>>,
    pub(super) delivering: JoinHandle<()>,
    pub(super) maintenance_tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Runs until a signal requests a stop, or a task fails; then finishes the attempts in flight and
    /// releases the lease.
    ///
    /// # Errors
    ///
    /// Fails if a task has failed, the stop times out or a second signal arrives. Nothing is lost:
    /// attempts that were not recorded are made again.
    pub async fn until(mut self, mut stop: StopSignals, reload: ReloadSignal) -> Result<()> {
        let supervisor = self.supervisor.clone();
        tokio::select! {
            _ = stop.received() => {}
            () = self.follow_file(reload) => {}
            () = supervisor.failed() => {}
        }
        tracing::info!("stopping");
        let stop_timeout = self.stop_timeout;
        tokio::select! {
            stopped = tokio::time::timeout(stop_timeout, self.stop()) => {
                stopped.context("timed out waiting for attempts in flight")??;
            }
            _ = stop.received() => anyhow::bail!("second shutdown signal, aborting"),
        }
        anyhow::ensure!(!supervisor.has_failed(), "a task has ended unexpectedly");
        Ok(())
    }

    /// Reloads the file at each signal, retries failed handshakes, and restores declarations that the
    /// store has lost. Never returns.
    async fn follow_file(&mut self, mut signal: ReloadSignal) {
        loop {
            tokio::select! {
                () = signal.received() => self.reload.reload().await,
                () = self.reload.catch_up() => {}
            }
        }
    }

    async fn stop(self) -> Result<()> {
        self.intake.cancel();
        let delivery = async {
            for task in self.intake_tasks {
                let _ = task.await;
            }
            self.delivery.cancel();
            let _ = self.delivering.await;
        };
        // Delivery does not wait for clients of the API. Events that they publish meanwhile are
        // delivered by the next process.
        let (_, _) = tokio::join!(delivery, self.api);
        self.maintenance.cancel();
        for task in self.maintenance_tasks {
            let _ = task.await;
        }
        self.lease.release().await?;
        tracing::info!("stopped");
        Ok(())
    }
}
