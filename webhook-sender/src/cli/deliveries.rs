//! `webhook-sender deliveries`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::api_client::{ApiClient, query, segment};
use super::output::{self, Column, Output, text};

/// Shows deliveries and their attempts.
#[derive(Args)]
#[command(subcommand_precedence_over_arg = true)]
pub struct Deliveries {
    /// The tenant
    #[arg(long)]
    tenant: String,
    #[command(subcommand)]
    action: Option<Action>,
    /// Show this delivery with its attempts, their requests and responses
    #[arg(conflicts_with_all = ["state", "endpoint", "event", "kind", "status", "from", "to"])]
    delivery: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// The maximum number, newest first
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Subcommand)]
enum Action {
    /// Print the exact bytes that are sent
    Body { delivery: String },
}

/// A filter of deliveries.
#[derive(Args)]
pub struct Filter {
    /// The state: pending, in_flight, succeeded or dead
    #[arg(long)]
    pub state: Option<String>,
    /// The id of the endpoint
    #[arg(long)]
    pub endpoint: Option<String>,
    /// The id of the event
    #[arg(long)]
    pub event: Option<String>,
    /// The exact type of the event
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// The status of the last attempt: a code, 2xx, 3xx, 4xx, 5xx, or none
    #[arg(long)]
    pub status: Option<String>,
    /// Planned at this time or later, for example 2026-01-31T09:30:00Z
    #[arg(long)]
    pub from: Option<String>,
    /// Planned before this time
    #[arg(long)]
    pub to: Option<String>,
}

impl Filter {
    /// Returns the query parameters of a list.
    pub fn parameters(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("state", self.state.clone()),
            ("endpoint", self.endpoint.clone()),
            ("event", self.event.clone()),
            ("type", self.kind.clone()),
            ("status", self.status.clone()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
        ]
    }
}

pub const COLUMNS: [Column; 7] = [
    ("DELIVERY", |v| text(v, "id")),
    ("EVENT", |v| text(v, "event")),
    ("TYPE", |v| text(v, "type")),
    ("ENDPOINT", |v| text(v, "endpoint")),
    ("STATE", |v| text(v, "state")),
    ("ATTEMPTS", |v| attempts(v).len().to_string()),
    ("LAST", last),
];

impl Deliveries {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let base = format!("/v1/tenants/{}/deliveries", segment(&self.tenant));
        if let Some(Action::Body { delivery }) = &self.action {
            let path = format!("{base}/{}/body", segment(delivery));
            return output::bytes(&api.get_bytes(&path).await?);
        }
        match &self.delivery {
            Some(id) => {
                let delivery = api.get(&format!("{base}/{}", segment(id))).await?;
                output.one(&delivery, details)
            }
            None => {
                let items = list(&api, &base, &self.filter.parameters(), self.limit).await?;
                output.many(&items, &COLUMNS)
            }
        }
    }
}

/// Fetches all pages of a list, up to `limit` items.
pub async fn list(
    api: &ApiClient,
    base: &str,
    parameters: &[(&'static str, Option<String>)],
    limit: usize,
) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor = None;
    while items.len() < limit {
        let mut parameters = parameters.to_vec();
        parameters.push(("limit", Some((limit - items.len()).min(500).to_string())));
        parameters.push(("cursor", cursor));
        let mut page = api.get(&format!("{base}{}", query(&parameters))).await?;
        if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
            items.extend(more);
        }
        cursor = page
            .get("next_cursor")
            .and_then(Value::as_str)
            .map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    Ok(items)
}

fn attempts(delivery: &Value) -> &[Value] {
    let attempts = delivery.get("attempts").and_then(Value::as_array);
    attempts.map_or(&[], Vec::as_slice)
}

/// Returns the error or the status of the last attempt.
fn last(delivery: &Value) -> String {
    let last = attempts(delivery).last();
    last.map(|last| match text(last, "error") {
        error if error.is_empty() => text(last, "status"),
        error => error,
    })
    .unwrap_or_else(|| text(delivery, "reason"))
}

/// Returns the members of a value that are not empty, one in a line.
pub fn lines(value: &Value, names: &[&str]) -> Vec<String> {
    names
        .iter()
        .map(|name| (name, text(value, name)))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name:16} {value}"))
        .collect()
}

/// Returns the lines of an attempt's request.
fn request(attempt: &Value) -> Vec<String> {
    let Some(request) = attempt.get("request") else {
        return Vec::new();
    };
    let part = |name| text(request, name);
    let line = format!(
        "  > {} {} {}",
        part("method"),
        part("url"),
        part("protocol")
    );
    let mut lines = vec![line.trim_end().to_owned()];
    lines.extend(headers(request.get("headers"), ">"));
    lines
}

fn headers(headers: Option<&Value>, mark: &str) -> Vec<String> {
    let headers = headers.and_then(Value::as_array);
    let line = |header: &Value| {
        format!(
            "  {mark} {}: {}",
            text(header, "name"),
            text(header, "value")
        )
    };
    headers.into_iter().flatten().map(line).collect()
}

fn details(delivery: &Value) -> String {
    let names = ["id", "event", "type", "endpoint", "state", "created_at"];
    let mut lines = lines(
        delivery,
        &[&names[..], &["next_attempt_at", "reason"]].concat(),
    );
    for (at, attempt) in attempts(delivery).iter().enumerate() {
        let part = |name| text(attempt, name);
        let line = format!(
            "attempt {:<8} {} {} {} {} {} ms {}",
            at + 1,
            part("at"),
            part("status"),
            part("phase"),
            part("error"),
            part("duration_ms"),
            part("response"),
        );
        lines.push(line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.extend(request(attempt));
        lines.extend(headers(attempt.get("response_headers"), "<"));
    }
    lines.join("\n")
}
