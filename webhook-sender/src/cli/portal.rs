//! `webhook-sender portal`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::api_client::{ApiClient, segment};
use super::deliveries::list;
use super::output::{Column, Output, text};

/// Links that open the pages of one tenant.
#[derive(Args)]
pub struct Portal {
    /// The tenant
    #[arg(long, global = true, default_value = "")]
    tenant: String,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List the sessions (the default)
    List {
        /// The maximum number, newest first
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Open a session, and print its link once
    Open {
        /// The role: viewer or operator
        #[arg(long)]
        role: Option<String>,
        /// The time after which it ends, for example 8h
        #[arg(long)]
        expires_in: Option<String>,
    },
    /// Move the end of a session
    Renew {
        /// The id of the session
        id: String,
        /// The time from now after which it ends, for example 8h
        #[arg(long)]
        expires_in: Option<String>,
    },
    /// End a session
    Revoke {
        /// The id of the session
        id: String,
    },
}

const COLUMNS: [Column; 5] = [
    ("SESSION", |v| text(v, "id")),
    ("ROLE", |v| text(v, "role")),
    ("KEY", |v| text(v, "key_name")),
    ("CREATED", |v| text(v, "created_at")),
    ("EXPIRES", |v| text(v, "expires_at")),
];

impl Portal {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        if self.tenant.is_empty() {
            anyhow::bail!("no tenant: use --tenant");
        }
        let base = format!("/v1/tenants/{}/portal-sessions", segment(&self.tenant));
        let of = |id: &str| format!("{base}/{}", segment(id));
        match self.action.unwrap_or(Action::List { limit: 50 }) {
            Action::List { limit } => {
                let items = list(&api, &base, &[], limit).await?;
                output.many(&items, &COLUMNS)
            }
            Action::Open { role, expires_in } => {
                let body = json!({ "role": role, "expires_in": expires_in });
                let response = api.post(&base, &body).await?;
                output.one(&response, |session| text(session, "url"))
            }
            Action::Renew { id, expires_in } => {
                let path = format!("{}/renew", of(&id));
                let body = json!({ "expires_in": expires_in });
                let response = api.post(&path, &body).await?;
                let ends = |session: &Value| text(session, "expires_at");
                output.one(&response, |session| {
                    format!("{id} ends at {}", ends(session))
                })
            }
            Action::Revoke { id } => {
                api.delete(&of(&id)).await?;
                let response = json!({ "id": id, "revoked": true });
                output.one(&response, |_| format!("session {id} is revoked"))
            }
        }
    }
}
