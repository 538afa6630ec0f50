//! `webhook-sender health`: for container engines, which ask by a command.

use anyhow::Result;
use clap::Args;

use super::api_client::ApiClient;
use super::output::Output;

#[derive(Args)]
pub struct Health {
    /// Ask as well whether its store and its stream are within reach
    #[arg(long)]
    ready: bool,
}

impl Health {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let (path, state) = match self.ready {
            true => ("/readyz", "ready"),
            false => ("/healthz", "alive"),
        };
        let response = api.get(path).await?;
        output.one(&response, |_| format!("the sender is {state}"))
    }
}
