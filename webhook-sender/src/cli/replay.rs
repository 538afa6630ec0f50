//! `webhook-sender replay`.

use anyhow::{Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::api_client::{ApiClient, segment};
use super::deliveries::{self, Filter};
use super::output::{Output, text};

/// The approximate number of deliveries that one request replays.
const SPAN: usize = 500;

#[derive(Args)]
pub struct Replay {
    /// The tenant
    #[arg(long)]
    tenant: String,
    /// The id of a delivery
    #[arg(conflicts_with_all = ["state", "endpoint", "event", "kind", "status", "from", "to"])]
    delivery: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// Send new bodies, rendered by the present filter and transform of the endpoint
    #[arg(long)]
    render: bool,
    /// Print the number of deliveries, and replay nothing
    #[arg(long)]
    dry_run: bool,
}

impl Replay {
    pub async fn run(self, api: ApiClient, output: Output) -> Result<()> {
        let base = format!("/v1/tenants/{}", segment(&self.tenant));
        if self.dry_run {
            let mut wanted = match &self.delivery {
                Some(id) => json!({ "delivery": id }),
                None => body(&self.filter.parameters()),
            };
            wanted["dry_run"] = true.into();
            let response = api.post(&format!("{base}/replay"), &wanted).await?;
            let count = count(&response);
            return output.one(&json!({ "count": count }), |_| {
                format!("{count} deliveries would be due again")
            });
        }
        let count = match &self.delivery {
            Some(id) => {
                let wanted = rendering(json!({ "delivery": id }), self.render);
                count(&api.post(&format!("{base}/replay"), &wanted).await?)
            }
            None => replay_matching(&api, &base, &self.filter, self.render, output).await?,
        };
        output.one(&json!({ "count": count }), |_| {
            format!("{count} deliveries are due again")
        })
    }
}

/// Adds that bodies are rendered anew to the body of a replay.
fn rendering(mut wanted: Value, render: bool) -> Value {
    if render {
        wanted["render"] = true.into();
    }
    wanted
}

/// Lists the selected deliveries to know their number, then replays them in several requests, newest
/// first, each for a span of time.
async fn replay_matching(
    api: &ApiClient,
    base: &str,
    filter: &Filter,
    render: bool,
    output: Output,
) -> Result<u64> {
    let parameters = filter.parameters();
    if parameters.iter().all(|(_, value)| value.is_none()) {
        bail!(
            "nothing is selected: use a delivery, --state, --endpoint, --event, --type, --status, --from or --to"
        );
    }
    let path = format!("{base}/deliveries");
    let found = deliveries::list(api, &path, &parameters, usize::MAX).await?;
    let is_pending = filter.state.as_deref() == Some("pending");
    let can_be_replayed = |delivery: &&Value| {
        is_pending || matches!(text(delivery, "state").as_str(), "succeeded" | "dead")
    };
    let bar = progress(found.iter().filter(can_be_replayed).count(), output);
    let mut replayed = 0;
    for (from, to) in spans(&found, filter.to.as_deref()) {
        let mut wanted = rendering(body(&parameters), render);
        wanted["from"] = from.into();
        wanted["to"] = to.into();
        let response = api.post(&format!("{base}/replay"), &wanted).await?;
        replayed += count(&response);
        bar.set_position(replayed);
    }
    bar.finish_and_clear();
    Ok(replayed)
}

/// Splits the planning times of `found` into spans of time, each with its exclusive end. They do not
/// overlap, so that nothing is replayed twice. Each has about [`SPAN`] deliveries: those of the same
/// millisecond stay together.
fn spans(found: &[Value], end: Option<&str>) -> Vec<(String, Option<String>)> {
    let mut moments: Vec<String> = found.iter().map(|one| text(one, "created_at")).collect();
    // RFC 3339 in UTC, all of one length: the order of the texts is that of the moments.
    moments.sort_unstable_by(|a, b| b.cmp(a));
    let mut spans: Vec<(String, Option<String>)> = Vec::new();
    for chunk in moments.chunks(SPAN) {
        let Some(start) = chunk.last() else { continue };
        let end = match spans.last() {
            Some((later, _)) if later == start => continue,
            Some((later, _)) => Some(later.clone()),
            None => end.map(str::to_owned),
        };
        spans.push((start.clone(), end));
    }
    spans
}

/// Returns the body of a replay with the parameters of a list.
fn body(parameters: &[(&'static str, Option<String>)]) -> Value {
    let given = parameters
        .iter()
        .filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?.into())));
    Value::Object(given.collect())
}

fn count(response: &Value) -> u64 {
    response.get("count").and_then(Value::as_u64).unwrap_or(0)
}

/// Returns a progress bar, which is hidden for JSON output.
pub fn progress(length: usize, output: Output) -> ProgressBar {
    if output.is_json() {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(length as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_every_time_once_and_end_where_the_next_begins() {
        let at = |ms: usize| format!("2026-01-01T00:00:00.{ms:03}Z");
        let found = |ms: &[usize]| -> Vec<Value> {
            ms.iter()
                .map(|ms| json!({ "created_at": at(*ms) }))
                .collect()
        };
        assert_eq!(spans(&[], None), []);
        let all: Vec<_> = (0..=SPAN).collect();
        let expected = [(at(1), Some("end".to_owned())), (at(0), Some(at(1)))];
        assert_eq!(spans(&found(&all), Some("end")), expected);
        // Deliveries of the same millisecond are replayed by one request, even if they are too many.
        assert_eq!(spans(&found(&vec![7; 2 * SPAN]), None), [(at(7), None)]);
    }
}
