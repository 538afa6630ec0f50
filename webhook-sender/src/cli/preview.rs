//! `webhook-sender preview`.

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

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

/// The body of the request. JSON of the user is passed on as it is: a parser could change numbers.
#[derive(Default, Serialize)]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Event {
    #[serde(rename = "type")]
    kind: Option<String>,
    data: Box<RawValue>,
}

impl Preview {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let mut body = Body::default();
        match self.event {
            Some(id) => body.event_id = Some(id),
            None => {
                let data = self.data.unwrap_or_else(|| "null".into());
                let data = RawValue::from_string(data).context("--data is not JSON")?;
                body.event = Some(Event {
                    kind: self.kind,
                    data,
                });
            }
        }
        if let Some(path) = self.endpoint {
            let shown = path.display().to_string();
            let read = move || Ok(std::fs::read_to_string(&path)?);
            let text = exit::blocking(read).await.with_context(|| shown.clone())?;
            body.endpoint = Some(RawValue::from_string(text).with_context(|| shown)?);
        }
        let path = format!("/v1/tenants/{}/preview", segment(&self.tenant));
        let response = api.post_text(&path, serde_json::to_string(&body)?).await?;
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
