//! Reconciliation of the ledger with the API: accepted = delivered + pending + dead + rejected.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use test_support::Request;
use tokio::time::timeout;

use crate::config::{HEALTHY, HOSTILE, NAMED, PLACES, TENANT};
use crate::fault::Fault;
use crate::hostile::Hostile;
use crate::ledger::{Entry, Ledger};
use crate::traffic::{PUBLISHERS, id};
use crate::verdict::{Counts, Outcome};
use crate::world::World;

const TIMEOUT: Duration = Duration::from_secs(20);

/// The time limit for recording outcomes after the last delivery.
const SETTLE: Duration = Duration::from_secs(10);

/// The states of events in the API, by their ids.
type States = HashMap<String, String>;

/// Reconciles the events of every endpoint.
pub async fn reconcile(world: &World, faults: &[Fault], outcome: &mut Outcome) -> Result<()> {
    let api = &world.senders[0].api;
    let rejected = rejected(api).await?;
    for endpoint in &world.config.endpoints {
        let strict = endpoint.id != HOSTILE || succeeds(faults);
        if strict {
            settled(api, endpoint.id, outcome).await?;
        }
        let states = states(api, endpoint.id).await?;
        let counts = count(&world.ledger, endpoint.id, &states, &rejected);
        check_counts(endpoint.id, strict, counts, outcome);
        check_successes(&world.ledger, endpoint.id, &states, outcome);
        if endpoint.id == HEALTHY {
            outcome.counts = counts;
        }
    }
    check_duplicates(world, faults, outcome);
    check_requests(&world.ledger, faults, outcome);
    Ok(())
}

fn count(ledger: &Ledger, endpoint: &str, states: &States, rejected: &States) -> Counts {
    let mut counts = Counts::default();
    ledger.each(|number, event| {
        if event.accepted.is_none() {
            return;
        }
        counts.accepted += 1;
        let id = id(number);
        if event.count(endpoint) > 0 {
            counts.delivered += 1;
        } else if event.forgiven {
            counts.forgiven += 1;
        } else if rejected.contains_key(&id) {
            counts.rejected += 1;
        } else {
            match states.get(&id).map(String::as_str) {
                Some("pending" | "in_flight") => counts.pending += 1,
                Some("dead") => counts.dead += 1,
                _ => counts.lost += 1,
            }
        }
    });
    counts
}

/// Checks that no event is lost, and that a healthy endpoint received all of them.
fn check_counts(endpoint: &str, strict: bool, counts: Counts, outcome: &mut Outcome) {
    let Counts {
        lost,
        pending,
        dead,
        rejected,
        ..
    } = counts;
    outcome.check(lost == 0, || {
        format!("{lost} events of `{endpoint}` are lost")
    });
    outcome.check(rejected == 0, || {
        format!("{rejected} valid events are rejected")
    });
    if strict {
        outcome.check(pending == 0, || {
            format!("{pending} events of `{endpoint}` are pending")
        });
        outcome.check(dead == 0, || {
            format!("{dead} events of `{endpoint}` are dead")
        });
    }
}

/// Checks that every delivery that is recorded as successful was accepted by its receiver.
fn check_successes(ledger: &Ledger, endpoint: &str, states: &States, outcome: &mut Outcome) {
    let mut never = 0;
    ledger.each(|number, event| {
        let succeeded = states
            .get(&id(number))
            .is_some_and(|state| state == "succeeded");
        if succeeded && event.count(endpoint) == 0 {
            never += 1;
        }
    });
    outcome.check(never == 0, || {
        format!("{never} deliveries to `{endpoint}` succeeded by the API, and never arrived")
    });
}

/// Checks that duplicates are limited to deliveries in flight at a death, with the same `webhook-id`.
fn check_duplicates(world: &World, faults: &[Fault], outcome: &mut Outcome) {
    let allowed: usize = faults.iter().map(|fault| allowed(*fault)).sum();
    let once = [HEALTHY, NAMED]
        .into_iter()
        .chain(succeeds(faults).then_some(HOSTILE));
    let (mut duplicates, mut ids) = (0, 0);
    for endpoint in once {
        world.ledger.each(|_, event: &Entry| {
            duplicates += event.count(endpoint).saturating_sub(1);
            let mut deliveries = event.deliveries_to(endpoint);
            let first = deliveries.next().map(|first| &first.webhook_id);
            ids += deliveries
                .filter(|next| Some(&next.webhook_id) != first)
                .count();
        });
    }
    outcome.duplicates = duplicates;
    outcome.check(duplicates <= allowed, || {
        format!("{duplicates} duplicates; at most {allowed} can be in flight")
    });
    outcome.check(ids == 0, || {
        format!("{ids} duplicates have another `webhook-id`")
    });
}

/// Returns `true` if the hostile receiver is one whose responses count.
fn succeeds(faults: &[Fault]) -> bool {
    faults.contains(&Fault::Receiver(Hostile::OddHeads))
}

fn allowed(fault: Fault) -> usize {
    let profile = fault.profile();
    // Publishers publish again the events that a store has lost.
    let published = if profile.loses {
        PUBLISHERS + PLACES
    } else {
        0
    };
    profile.deaths * PLACES + published
}

/// Checks that every request was signed, sent to its receiver, and for an event of this cell.
fn check_requests(ledger: &Ledger, faults: &[Fault], outcome: &mut Outcome) {
    let unknown = ledger.unknown();
    outcome.check(unknown.is_empty(), || {
        format!("unknown events arrived: {unknown:?}")
    });
    let clock = |fault: &Fault| matches!(fault, Fault::ClockAhead | Fault::ClockBehind);
    let refusals = ledger.refusals();
    if !faults.iter().any(clock) {
        outcome.check(refusals.is_empty(), || {
            let first = refusals.first().cloned().unwrap_or_default();
            format!("the receiver refused {} requests: {first}", refusals.len())
        });
    }
}

/// Waits until no delivery of a healthy endpoint is pending.
async fn settled(api: &str, endpoint: &str, outcome: &mut Outcome) -> Result<()> {
    let mut left = 0;
    for _ in 0..SETTLE.as_millis() / 100 {
        left = 0;
        for state in ["pending", "in_flight", "pending"] {
            let query = format!("endpoint={endpoint}&state={state}&limit=500");
            left += items(api, &format!("tenants/{TENANT}/deliveries?{query}"))
                .await?
                .0
                .len();
        }
        if left == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    outcome.fail(format!(
        "{left} deliveries of `{endpoint}` are still pending after {SETTLE:?}"
    ));
    Ok(())
}

/// Returns the state of every delivery of an endpoint, by its event's id.
async fn states(api: &str, endpoint: &str) -> Result<States> {
    let path = format!("tenants/{TENANT}/deliveries?endpoint={endpoint}&limit=500");
    let all = all(api, &path).await?;
    Ok(all
        .iter()
        .map(|delivery| (text(delivery, "event"), text(delivery, "state")))
        .collect())
}

/// Returns the ids of rejected events.
async fn rejected(api: &str) -> Result<States> {
    let tenants = all(api, &format!("tenants/{TENANT}/dead-letters?limit=500")).await?;
    let unassigned = all(api, "dead-letters?limit=500").await?;
    let id = |rejected: &Value| {
        let fields = rejected["fields"].as_array()?;
        let id = fields.iter().find(|field| field[0] == "id")?;
        Some((id[1].as_str()?.to_owned(), text(rejected, "code")))
    };
    Ok(tenants.iter().chain(&unassigned).filter_map(id).collect())
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Returns the items of all pages of a list.
async fn all(api: &str, path: &str) -> Result<Vec<Value>> {
    let (mut items, mut cursor) = self::items(api, path).await?;
    while let Some(next) = cursor {
        let (more, after) = self::items(api, &format!("{path}&cursor={next}")).await?;
        items.extend(more);
        cursor = after;
    }
    Ok(items)
}

async fn items(api: &str, path: &str) -> Result<(Vec<Value>, Option<String>)> {
    let requested = Request::get(format!("{api}/v1/{path}")).try_send();
    let reply = timeout(TIMEOUT, requested).await;
    let reply = reply.with_context(|| format!("no response to {path}"))?;
    let reply = reply.map_err(anyhow::Error::msg)?;
    ensure!(reply.status == 200, "{path}: {reply:?}");
    let mut page = reply.json();
    let cursor = page["next_cursor"].as_str().map(str::to_owned);
    match page["items"].take() {
        Value::Array(items) => Ok((items, cursor)),
        other => anyhow::bail!("{path}: items are {other}"),
    }
}
