//! `webhook-sender publish`: publishes an event or a file of events.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::api_client::{ApiClient, segment};
use super::json_body::{read, with_data};
use super::output::{Output, text};
use super::replay::progress;

/// The number of concurrent requests for a file: fewer than the connections that the API of a process
/// with few file descriptors accepts. Beyond those it closes idle ones, also under a request.
const AT_ONCE: usize = 32;

#[derive(Args)]
pub struct Publish {
    /// The tenant of the event
    #[arg(long)]
    tenant: String,
    /// The type of the event, for example order.shipped
    #[arg(long = "type", required_unless_present = "file")]
    kind: Option<String>,
    /// The event's data, as JSON
    #[arg(long, required_unless_present = "file")]
    data: Option<String>,
    /// The id of the event; publishing the same id again within 24 hours changes nothing
    #[arg(long)]
    id: Option<String>,
    /// The time of the event, for example 2026-01-31T09:30:00Z
    #[arg(long)]
    timestamp: Option<String>,
    /// Ordered endpoints receive events with the same key in order
    #[arg(long)]
    ordering_key: Option<String>,
    /// A file of events as JSON Lines, each an object with type, data and the optional members; `-`
    /// reads standard input
    #[arg(long, conflicts_with_all = ["kind", "data", "id", "timestamp", "ordering_key"])]
    file: Option<PathBuf>,
}

impl Publish {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let path = format!("/v1/tenants/{}/events", segment(&self.tenant));
        match &self.file {
            Some(file) => publish_file(&api, &path, file, output).await,
            None => {
                let response = api.post_text(&path, self.body()?).await?;
                output.one(&response, |response| text(response, "id"))
            }
        }
    }

    /// Returns the body of the request, which contains the data byte for byte.
    fn body(&self) -> Result<String> {
        let data = self.data.as_deref().unwrap_or_default();
        let mut event = json!({ "type": self.kind });
        let optional = [
            ("id", &self.id),
            ("timestamp", &self.timestamp),
            ("ordering_key", &self.ordering_key),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                event[name] = value.as_str().into();
            }
        }
        with_data(&event, data).context("--data is not JSON")
    }
}

async fn publish_file(api: &ApiClient, path: &str, file: &Path, output: Output) -> Result<()> {
    let shown = &file.display();
    let text = read(file.to_owned()).await?;
    let lines: Vec<_> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .collect();
    // Checked before anything is sent, so that a file with an invalid line publishes nothing.
    for (at, line) in &lines {
        if let Err(error) = serde_json::from_str::<&RawValue>(line) {
            bail!("file `{shown}`, line {}: {error}", at + 1);
        }
    }
    let bar = progress(lines.len(), output);
    stream::iter(&lines)
        .map(|(at, line)| {
            let bar = bar.clone();
            async move {
                let sent = api.post_text(path, (*line).to_owned()).await;
                bar.inc(1);
                sent.map(drop)
                    .with_context(|| format!("file `{shown}`, line {}", at + 1))
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    bar.finish_and_clear();
    let response: Value = json!({ "count": lines.len() });
    output.one(&response, |_| format!("{} events published", lines.len()))
}
