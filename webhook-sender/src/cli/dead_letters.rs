//! `webhook-sender dead-letters`: dead deliveries and rejected events.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use super::api_client::{ApiClient, segment};
use super::deliveries;
use super::json_body::{read, with_data};
use super::output::{Column, Output, text};

#[derive(Args)]
pub struct DeadLetters {
    /// The tenant; without it, events without an existing tenant are listed. With --retry: plan the
    /// event for this tenant instead of the one that it names
    #[arg(long)]
    tenant: Option<String>,
    /// Plan this rejected event again
    #[arg(long, value_name = "ID")]
    retry: Option<String>,
    #[command(flatten)]
    corrections: Corrections,
    /// The maximum number of each kind, newest first
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// Corrections of a rejected event. Omitted fields keep their values.
#[derive(Args)]
struct Corrections {
    /// Plan the event with this type
    #[arg(long = "type", value_name = "TYPE", requires = "retry")]
    kind: Option<String>,
    /// Plan the event with this data, as JSON
    #[arg(long, value_name = "JSON", requires = "retry")]
    data: Option<String>,
    /// Plan the event with the data in this file, as JSON; `-` reads standard input
    #[arg(long, value_name = "FILE", requires = "retry", conflicts_with = "data")]
    data_file: Option<PathBuf>,
    /// Plan the event with this id
    #[arg(long, requires = "retry")]
    id: Option<String>,
    /// Plan the event with this timestamp, for example 2026-01-31T09:30:00Z
    #[arg(long, requires = "retry")]
    timestamp: Option<String>,
    /// Plan the event with this ordering key
    #[arg(long, requires = "retry")]
    ordering_key: Option<String>,
}

impl Corrections {
    /// Returns the body of the request, which contains the data byte for byte.
    async fn body(self, tenant: Option<String>) -> Result<String> {
        let given = [
            ("tenant", tenant),
            ("type", self.kind),
            ("id", self.id),
            ("timestamp", self.timestamp),
            ("ordering_key", self.ordering_key),
        ];
        let given = given.into_iter();
        let fields = given.filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        let fields = Value::Object(fields.collect());
        match (self.data, self.data_file) {
            (Some(data), _) => with_data(&fields, &data).context("--data is not JSON"),
            (None, Some(file)) => {
                let shown = file.display().to_string();
                let data = read(file).await?;
                with_data(&fields, &data).with_context(|| format!("file `{shown}` is not JSON"))
            }
            (None, None) => Ok(fields.to_string()),
        }
    }
}

const COLUMNS: [Column; 5] = [
    ("KIND", |v| text(v, "kind")),
    ("ID", |v| text(v, "id")),
    ("AT", |v| text(v, "at")),
    ("ENDPOINT", |v| text(v, "endpoint")),
    ("REASON", |v| text(v, "reason")),
];

impl DeadLetters {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        if let Some(id) = &self.retry {
            let path = format!("/v1/dead-letters/{}/retry", segment(id));
            let body = self.corrections.body(self.tenant).await?;
            let response = api.post_text(&path, body).await?;
            return output.one(&response, |response| {
                format!("event {} is planned", text(response, "id"))
            });
        }
        let mut items = Vec::new();
        let base = match &self.tenant {
            Some(tenant) => {
                let base = format!("/v1/tenants/{}", segment(tenant));
                let dead = [("state", Some("dead".to_owned()))];
                let path = format!("{base}/deliveries");
                let deliveries = deliveries::list(&api, &path, &dead, self.limit).await?;
                items.extend(deliveries.into_iter().map(|item| kind(item, "delivery")));
                format!("{base}/dead-letters")
            }
            None => "/v1/dead-letters".to_owned(),
        };
        let rejected = deliveries::list(&api, &base, &[], self.limit).await?;
        items.extend(rejected.into_iter().map(|item| kind(item, "event")));
        output.many(&items, &COLUMNS)
    }
}

fn kind(mut item: Value, kind: &str) -> Value {
    item["kind"] = kind.into();
    if item.get("at").is_none() {
        item["at"] = item.get("created_at").cloned().unwrap_or_default();
    }
    item
}
