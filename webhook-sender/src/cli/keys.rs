//! `webhook-sender keys`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api_client::{ApiClient, segment};
use super::output::{Column, Output, text};

#[derive(Args)]
pub struct Keys {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List the keys (the default)
    List,
    /// Create a key, and print it once
    Create {
        /// The name of the key
        name: String,
        /// The role: admin, operator, publisher or viewer
        #[arg(long)]
        role: String,
        /// The tenant of a key that is no administrator's
        #[arg(long)]
        tenant: Option<String>,
        /// The time after which it is invalid, for example 90d; without it, it stays valid
        #[arg(long)]
        expires_in: Option<String>,
    },
    /// Revoke a key and end its sessions
    Revoke {
        /// The id of the key
        id: String,
    },
}

const COLUMNS: [Column; 7] = [
    ("KEY", |v| text(v, "id")),
    ("NAME", |v| text(v, "name")),
    ("ROLE", |v| text(v, "role")),
    ("TENANT", |v| text(v, "tenant")),
    ("ORIGIN", |v| text(v, "origin")),
    ("EXPIRES", |v| text(v, "expires_at")),
    ("LAST USED", |v| text(v, "last_used_at")),
];

impl Keys {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        match self.action.unwrap_or(Action::List) {
            Action::List => {
                let response = api.get("/v1/keys").await?;
                let items = response.get("items").and_then(Value::as_array);
                output.many(items.map_or(&[], Vec::as_slice), &COLUMNS)
            }
            Action::Create {
                name,
                role,
                tenant,
                expires_in,
            } => {
                let body = json!({
                    "name": name,
                    "role": role,
                    "tenant": tenant,
                    "expires_in": expires_in,
                });
                let response = api.post("/v1/keys", &body).await?;
                output.one(&response, |key| text(key, "key"))
            }
            Action::Revoke { id } => {
                api.delete(&format!("/v1/keys/{}", segment(&id))).await?;
                let response = json!({ "id": id, "revoked": true });
                output.one(&response, |_| format!("key {id} is revoked"))
            }
        }
    }
}
