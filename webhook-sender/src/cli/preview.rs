//! `webhook-sender preview`.

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use super::api_client::{ApiClient, segment};
use super::exit;
use super::output::{Output, one_line, text};

/// Shows the body of an event for each endpoint, without sending or storing anything.
#[derive(Args)]
pub struct Preview {
    /// The tenant
    #[arg(long)]
    tenant: String,
    /// The id of a past event
    #[arg(required_unless_present = "kind", conflicts_with_all = ["kind", "data"])]
    event: Option<String>,
    /// The type of an event that is not stored
    #[arg(long = "type", value_name = "TYPE", requires = "data")]
    kind: Option<String>,
    /// The data of that event, as JSON
    #[arg(long, requires = "kind")]
    data: Option<String>,
    /// A file with an endpoint in JSON, instead of the stored ones
    #[arg(long, value_name = "FILE")]
    endpoint: Option<std::path::PathBuf>,
}

impl Preview {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let mut body = match (&self.event, &self.data) {
            (Some(id), _) => json!({ "event_id": id }),
            (None, data) => {
                let data: Value = serde_json::from_str(data.as_deref().unwrap_or("null"))
                    .context("--data is not JSON")?;
                json!({ "event": { "type": self.kind, "data": data } })
            }
        };
        if let Some(path) = self.endpoint {
            let shown = path.display().to_string();
            let read = move || Ok(std::fs::read_to_string(&path)?);
            let text = exit::blocking(read).await.with_context(|| shown.clone())?;
            let endpoint: Value = serde_json::from_str(&text).with_context(|| shown)?;
            body["endpoint"] = endpoint;
        }
        let path = format!("/v1/tenants/{}/preview", segment(&self.tenant));
        let response = api.post(&path, &body).await?;
        let items = response.get("items").and_then(Value::as_array);
        let columns = [
            (
                "ENDPOINT",
                (|v| text(v, "endpoint")) as fn(&Value) -> String,
            ),
            ("RESULT", result),
        ];
        output.many(items.map_or(&[], Vec::as_slice), &columns)
    }
}

fn result(item: &Value) -> String {
    let is = |name: &str| item.get(name).and_then(Value::as_bool).unwrap_or(false);
    match (item.get("error"), item.get("body")) {
        (Some(Value::String(error)), _) => format!("error: {}", one_line(error)),
        (_, Some(Value::String(body))) => one_line(body),
        _ if is("filtered") => "filtered out".into(),
        _ => "no pattern matches".into(),
    }
}
