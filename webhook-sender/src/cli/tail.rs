//! `webhook-sender tail`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::api_client::{ApiClient, Follow, segment};
use super::output::{Output, text};

/// The time without a part after which the connection counts as lost. The sender sends a comment every
/// 15 seconds.
const QUIET: Duration = Duration::from_secs(60);

/// The most bytes of one event.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// Prints what happens to a tenant's events and deliveries from now on.
#[derive(Args)]
pub struct Tail {
    /// The tenant
    #[arg(long)]
    tenant: String,
}

impl Tail {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let tenant = segment(&self.tenant);
        let path = format!("/v1/tenants/{tenant}/deliveries/stream");
        let mut follow = api.follow(&path).await?;
        let mut buffer = Vec::new();
        while let Some(part) = next(&mut follow).await? {
            buffer.extend_from_slice(&part);
            while let Some(end) = buffer.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = buffer.drain(..end + 2).collect();
                if let Some(value) = parsed(&String::from_utf8_lossy(&event)) {
                    output.one(&value, line)?;
                }
            }
            if buffer.len() > MAX_EVENT_BYTES {
                bail!("an event of the stream is larger than {MAX_EVENT_BYTES} bytes");
            }
        }
        bail!("the sender has ended the stream: it stops, or the key is not valid any more")
    }
}

async fn next(follow: &mut Follow) -> Result<Option<bytes::Bytes>> {
    let part = timeout(QUIET, follow.next()).await;
    part.context("the stream is silent: the connection is lost")?
}

/// Returns an event as JSON with its name; `None` for a comment.
fn parsed(event: &str) -> Option<Value> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
    let mut value = json!({ "kind": field("event: ")? });
    let data: Value = serde_json::from_str(field("data: ")?).ok()?;
    if let (Some(value), Value::Object(data)) = (value.as_object_mut(), data) {
        value.extend(data);
    }
    Some(value)
}

fn line(value: &Value) -> String {
    let names = [
        "at", "kind", "type", "event", "id", "endpoint", "delivery", "action", "target", "attempt",
        "status", "error", "code", "state", "missed",
    ];
    let cells = names.iter().map(|name| (name, text(value, name)));
    let cells = cells.filter(|(_, cell)| !cell.is_empty());
    let shown = cells.map(|(name, cell)| match *name {
        "at" | "kind" => cell,
        name => format!("{name}={cell}"),
    });
    shown.collect::<Vec<_>>().join(" ")
}
