//! `webhook-sender replay`.

use anyhow::{Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::api_client::{ApiClient, segment};
use super::deliveries::{self, Filter};
use super::output::Output;

#[derive(Args)]
pub struct Replay {
    /// Whose
    #[arg(long)]
    tenant: String,
    /// This one
    #[arg(conflicts_with_all = ["state", "endpoint", "event", "from", "to"])]
    delivery: Option<String>,
    #[command(flatten)]
    filter: Filter,
}

impl Replay {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let base = format!("/v1/tenants/{}", segment(&self.tenant));
        let count = match &self.delivery {
            Some(id) => one(&api, &base, id).await?,
            None => many(&api, &base, &self.filter, output).await?,
        };
        output.one(&json!({ "count": count }), |_| {
            format!("{count} deliveries are due again")
        })
    }
}

async fn one(api: &ApiClient, base: &str, id: &str) -> Result<u64> {
    let answer = api
        .post(&format!("{base}/replay"), &json!({ "delivery": id }))
        .await?;
    Ok(count(&answer))
}

/// Looks up what is selected first, so that there is an end to measure progress by; then replays
/// one by one, so that stopping halfway leaves no doubt about what was replayed.
async fn many(api: &ApiClient, base: &str, filter: &Filter, output: Output) -> Result<u64> {
    let parameters = filter.parameters();
    if parameters.iter().all(|(_, value)| value.is_none()) {
        bail!("say which: a delivery, or --state, --endpoint, --event, --from, --to");
    }
    let path = format!("{base}/deliveries");
    let found = deliveries::list(api, &path, &parameters, usize::MAX).await?;
    let ended = |state: &Value| matches!(state.as_str(), Some("succeeded" | "dead"));
    let ids: Vec<_> = found
        .iter()
        .filter(|delivery| delivery.get("state").is_some_and(ended))
        .filter_map(|delivery| delivery.get("id").and_then(Value::as_str))
        .collect();
    let bar = progress(ids.len(), output);
    let mut replayed = 0;
    for id in ids {
        replayed += one(api, base, id).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(replayed)
}

fn count(answer: &Value) -> u64 {
    answer.get("count").and_then(Value::as_u64).unwrap_or(0)
}

/// A bar on the terminal; none where programs read, or nobody looks.
pub fn progress(length: usize, output: Output) -> ProgressBar {
    match output.is_json() {
        true => ProgressBar::hidden(),
        false => ProgressBar::new(length as u64),
    }
}
