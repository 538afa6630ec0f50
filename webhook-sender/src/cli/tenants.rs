//! `webhook-sender tenants`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api_client::{ApiClient, segment};
use super::output::{Output, text};

#[derive(Args)]
pub struct Tenants {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List the tenants (the default)
    List,
    /// Add a tenant; adding an existing one changes nothing
    Add { tenant: String },
    /// Remove a tenant with its endpoints, deliveries and dead letters
    Remove { tenant: String },
}

impl Tenants {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        match self.action.unwrap_or(Action::List) {
            Action::List => {
                let response = api.get("/v1/tenants").await?;
                let items = response.get("items").and_then(Value::as_array);
                let columns = [("TENANT", (|v| text(v, "id")) as fn(&Value) -> String)];
                output.many(items.map_or(&[], Vec::as_slice), &columns)
            }
            Action::Add { tenant } => {
                let response = api
                    .put(&format!("/v1/tenants/{}", segment(&tenant)))
                    .await?;
                output.one(&response, |_| format!("tenant {tenant} is there"))
            }
            Action::Remove { tenant } => {
                api.delete(&format!("/v1/tenants/{}", segment(&tenant)))
                    .await?;
                let response = json!({ "id": tenant, "removed": true });
                output.one(&response, |_| format!("tenant {tenant} is removed"))
            }
        }
    }
}
