//! `webhook-sender health`: a health check for container engines that run a command.

use anyhow::Result;
use clap::Args;

use super::api_client::ApiClient;
use super::output::Output;

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
        let response = api.get(path).await?;
        output.one(&response, |_| format!("the sender is {state}"))
    }
}
