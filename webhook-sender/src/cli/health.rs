//! `webhook-sender health`: a health check for container engines that run a command.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use tokio::time::timeout;

use super::api_client::ApiClient;
use super::output::Output;

/// The longest wait for a response: a sender that is frozen is not healthy.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub struct Health {
    /// Check that the store and the stream are reachable as well
    #[arg(long)]
    ready: bool,
}

impl Health {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let (path, state) = if self.ready {
            ("/readyz", "ready")
        } else {
            ("/healthz", "alive")
        };
        let response = timeout(PATIENCE, api.get(path)).await;
        let response = response
            .with_context(|| format!("no response from the sender within {PATIENCE:?}"))??;
        output.one(&response, |_| format!("the sender is {state}"))
    }
}
