//! `webhook-sender dead-letters`: deliveries that were given up, and events that could not be
//! planned.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::api_client::{ApiClient, segment};
use super::deliveries;
use super::output::{Column, Output, text};

#[derive(Args)]
pub struct DeadLetters {
    /// Those of one tenant; without it, events that name no tenant that exists
    #[arg(long)]
    tenant: Option<String>,
    /// Plan this rejected event again, now that it can be
    #[arg(long, value_name = "ID")]
    retry: Option<String>,
    /// At most so many of each kind, the newest
    #[arg(long, default_value_t = 50)]
    limit: usize,
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
            let answer = api.post(&path, &json!({})).await?;
            return output.one(&answer, |_| format!("event {id} is planned"));
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
