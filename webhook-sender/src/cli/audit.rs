//! `webhook-sender audit`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::api_client::ApiClient;
use super::deliveries::list;
use super::output::{Column, Output, text};

/// Shows who changed what, and with which key.
#[derive(Args)]
pub struct Audit {
    /// The tenant; without it, changes of all tenants and of none are listed
    #[arg(long)]
    tenant: Option<String>,
    /// Changed at this time or later, for example 2026-01-31T09:30:00Z
    #[arg(long)]
    from: Option<String>,
    /// Changed before this time
    #[arg(long)]
    to: Option<String>,
    /// The maximum number, newest first
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

const COLUMNS: [Column; 8] = [
    ("AT", |v| text(v, "at")),
    ("KEY", |v| text(v, "key_name")),
    ("ADDRESS", |v| text(v, "address")),
    ("ACTION", |v| text(v, "action")),
    ("TENANT", |v| text(v, "tenant")),
    ("TARGET", |v| text(v, "target")),
    ("OUTCOME", |v| outcome(v)),
    ("CHANGES", |v| changes(v)),
];

impl Audit {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let filter = [
            ("tenant", self.tenant),
            ("from", self.from),
            ("to", self.to),
        ];
        let entries = list(&api, "/v1/audit", &filter, self.limit).await?;
        output.many(&entries, &COLUMNS)
    }
}

/// Returns the outcome, with the code of a failure.
fn outcome(entry: &Value) -> String {
    let words = [text(entry, "outcome"), text(entry, "code")];
    words.join(" ").trim_end().to_owned()
}

/// Returns the fields that were changed.
fn changes(entry: &Value) -> String {
    let changes = entry.get("changes").and_then(Value::as_array);
    let fields = changes.into_iter().flatten();
    let fields: Vec<_> = fields.map(|change| text(change, "field")).collect();
    fields.join(" ")
}
