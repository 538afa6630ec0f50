//! `webhook-sender events`.

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::api_client::{ApiClient, segment};
use super::deliveries::{COLUMNS as DELIVERY_COLUMNS, lines, list};
use super::output::{Column, Output, one_line, print, table, text};

/// Shows events, and what became of them.
#[derive(Args)]
#[command(subcommand_precedence_over_arg = true)]
pub struct Events {
    /// The tenant
    #[arg(long)]
    tenant: String,
    #[command(subcommand)]
    action: Option<Action>,
    /// Show this event, or the rejected event with this id, with its data and its deliveries
    #[arg(conflicts_with_all = ["kind", "state", "source", "from", "to"])]
    event: Option<String>,
    /// The exact type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// The state: accepted, planned or rejected
    #[arg(long)]
    state: Option<String>,
    /// The source: api, cli, stream or sender
    #[arg(long)]
    source: Option<String>,
    /// Accepted at this time or later, for example 2026-01-31T09:30:00Z
    #[arg(long)]
    from: Option<String>,
    /// Accepted before this time
    #[arg(long)]
    to: Option<String>,
    /// The maximum number, newest first
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Subcommand)]
enum Action {
    /// Erase the payload of an event or of a rejected event, and keep its record
    Erase { event: String },
}

const COLUMNS: [Column; 6] = [
    ("EVENT", |v| text(v, "id")),
    ("TYPE", |v| text(v, "type")),
    ("ACCEPTED", |v| text(v, "accepted_at")),
    ("STATE", |v| text(v, "state")),
    ("SOURCE", |v| text(v, "source")),
    ("REASON", |v| text(v, "reason")),
];

/// The members that are shown of one event, before its data.
const MEMBERS: [&str; 10] = [
    "id",
    "event",
    "type",
    "timestamp",
    "accepted_at",
    "state",
    "source",
    "ordering_key",
    "code",
    "reason",
];

impl Events {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let base = format!("/v1/tenants/{}/events", segment(&self.tenant));
        if let Some(Action::Erase { event }) = &self.action {
            let erased = api
                .delete(&format!("{base}/{}/data", segment(event)))
                .await?;
            return output.one(&erased, |erased| {
                let count = text(erased, "deliveries");
                format!("event `{}` is erased, and {count} of its deliveries are not attempted any more", one_line(event))
            });
        }
        if let Some(id) = &self.event {
            let event = api.get_bytes(&format!("{base}/{}", segment(id))).await?;
            return show(&event, output);
        }
        let filter = [
            ("type", self.kind),
            ("state", self.state),
            ("source", self.source),
            ("from", self.from),
            ("to", self.to),
        ];
        let items = list(&api, &base, &filter, self.limit).await?;
        output.many(&items, &COLUMNS)
    }
}

/// The data as it was published: a parser could change numbers.
#[derive(Deserialize)]
struct Published<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

fn show(event: &[u8], output: Output) -> Result<()> {
    let text = std::str::from_utf8(event).context("the event is not UTF-8")?;
    // In JSON these are white space between tokens.
    let line = text.replace(['\n', '\r', '\t'], " ");
    if output.is_json() {
        return print(&line);
    }
    let data = serde_json::from_str(&line).map(|Published { data }| data);
    print(&details(&serde_json::from_str(&line)?, data.ok()))
}

fn details(event: &Value, data: Option<&RawValue>) -> String {
    let mut shown = lines(event, &MEMBERS);
    if event.get("erased").is_some() {
        shown.push(format!("{:16} erased", "data"));
    } else if let Some(data) = data {
        shown.push(format!("{:16} {data}", "data"));
    } else {
        shown.push(format!("{:16} {}", "fields", text(event, "fields")));
    }
    let deliveries = event.pointer("/deliveries/items").and_then(Value::as_array);
    if let Some(deliveries) = deliveries.filter(|deliveries| !deliveries.is_empty()) {
        shown.push(String::new());
        shown.extend(table(deliveries, &DELIVERY_COLUMNS));
    }
    shown.join("\n")
}
