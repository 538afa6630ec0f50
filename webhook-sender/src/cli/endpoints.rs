//! `webhook-sender endpoints`.

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::api_client::{ApiClient, segment};
use super::output::{Column, Output, one_line, text};

#[derive(Args)]
pub struct Endpoints {
    /// Whose
    #[arg(long)]
    tenant: String,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List the endpoints (what happens without a subcommand)
    List,
    /// Show one endpoint
    Show { endpoint: String },
    /// Add an endpoint; its secret is printed this once
    Add {
        url: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Change an endpoint
    Update {
        endpoint: String,
        /// Where deliveries go
        #[arg(long)]
        url: Option<String>,
        #[command(flatten)]
        fields: Fields,
    },
    /// Remove an endpoint; what is pending for it becomes dead letters
    Remove { endpoint: String },
    /// Deliver to an endpoint again
    Enable { endpoint: String },
    /// Stop delivering to an endpoint
    Disable { endpoint: String },
    /// Make a new secret; the old one signs as well for a while
    RotateSecret {
        endpoint: String,
        /// For how long
        #[arg(long, default_value = "24h")]
        overlap: String,
    },
}

/// The fields that are often given, and `--set` for all the others.
#[derive(Args)]
struct Fields {
    /// The endpoint's id; made up where it is left out
    #[arg(long)]
    id: Option<String>,
    /// Which events: a type, `prefix.*` or `*`; may be repeated
    #[arg(long = "event", value_name = "PATTERN")]
    events: Vec<String>,
    /// CEL that is true for events to deliver
    #[arg(long)]
    filter: Option<String>,
    /// CEL whose value is the body
    #[arg(long)]
    transform: Option<String>,
    /// Give the receiver its key by a handshake
    #[arg(long)]
    handshake: bool,
    /// Keep the order of events
    #[arg(long)]
    ordered: bool,
    /// Any field of an endpoint, as JSON or text: `--set rate_limit=10`
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    set: Vec<String>,
}

impl Fields {
    fn body(&self, url: Option<&str>) -> Result<Value> {
        let mut body = Map::new();
        let texts = [
            ("url", url),
            ("id", self.id.as_deref()),
            ("filter", self.filter.as_deref()),
            ("transform", self.transform.as_deref()),
            ("handshake", self.handshake.then_some("key")),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                body.insert(name.into(), value.into());
            }
        }
        if !self.events.is_empty() {
            body.insert("events".into(), json!(self.events));
        }
        if self.ordered {
            body.insert("ordered".into(), true.into());
        }
        for set in &self.set {
            let (name, value) = set
                .split_once('=')
                .with_context(|| format!("--set `{set}` is not FIELD=VALUE"))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            body.insert(name.into(), value);
        }
        Ok(body.into())
    }
}

const COLUMNS: [Column; 5] = [
    ("ENDPOINT", |v| text(v, "id")),
    ("ENABLED", |v| text(v, "enabled")),
    ("EVENTS", |v| events(v)),
    ("URL", |v| text(v, "url")),
    ("FAILING SINCE", |v| text(v, "failing_since")),
];

impl Endpoints {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let base = format!("/v1/tenants/{}/endpoints", segment(&self.tenant));
        let one = |endpoint: &str| format!("{base}/{}", segment(endpoint));
        match self.action.unwrap_or(Action::List) {
            Action::List => {
                let response = api.get(&base).await?;
                let items = response.get("items").and_then(Value::as_array);
                output.many(items.map_or(&[], Vec::as_slice), &COLUMNS)
            }
            Action::Show { endpoint } => {
                let response = api.get(&one(&endpoint)).await?;
                output.one(&response, pretty)
            }
            Action::Add { url, fields } => {
                let response = api.post(&base, &fields.body(Some(&url))?).await?;
                output.one(&response, added)
            }
            Action::Update {
                endpoint,
                url,
                fields,
            } => {
                let body = fields.body(url.as_deref())?;
                if body.as_object().is_some_and(Map::is_empty) {
                    bail!("nothing to change: give --url, --event, --filter, --transform or --set");
                }
                let response = api.patch(&one(&endpoint), &body).await?;
                output.one(&response, pretty)
            }
            Action::Remove { endpoint } => {
                api.delete(&one(&endpoint)).await?;
                let response = json!({ "id": endpoint, "removed": true });
                output.one(&response, |_| format!("endpoint {endpoint} is removed"))
            }
            Action::Enable { endpoint } => enable(&api, &one(&endpoint), true, output).await,
            Action::Disable { endpoint } => enable(&api, &one(&endpoint), false, output).await,
            Action::RotateSecret { endpoint, overlap } => {
                let path = format!("{}/rotate-secret", one(&endpoint));
                let response = api.post(&path, &json!({ "overlap": overlap })).await?;
                output.one(&response, |response| text(response, "secret"))
            }
        }
    }
}

async fn enable(api: &ApiClient, path: &str, enabled: bool, output: Output) -> Result<()> {
    let response = api.patch(path, &json!({ "enabled": enabled })).await?;
    output.one(&response, |response| {
        let state = if enabled { "enabled" } else { "disabled" };
        format!("endpoint {} is {state}", text(response, "id"))
    })
}

fn events(endpoint: &Value) -> String {
    let events = endpoint.get("events").and_then(Value::as_array);
    let texts = events.into_iter().flatten().filter_map(Value::as_str);
    texts.map(one_line).collect::<Vec<_>>().join(" ")
}

fn added(endpoint: &Value) -> String {
    format!(
        "endpoint {}\nsecret   {}",
        text(endpoint, "id"),
        text(endpoint, "secret")
    )
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
