//! One attempt.

use std::sync::Arc;

use tokio::time::Instant;

use super::breaker::Change;
use super::dispatcher::Shared;
use super::outcome::{Verdict, judge};
use super::places::{Key, Shown};
use super::prepared::Prepared;
use super::recorder::Entry;
use super::remake::remake;
use crate::client::{Answer, CallError, Post};
use crate::model::Millis;
use crate::plan::UNMADE;
use crate::store::{Claim, Next, Outcome, Owner};

/// A delivery in a place.
pub(super) struct Started {
    pub claim: Claim,
    pub owner: Arc<Owner>,
    pub prepared: Arc<Prepared>,
}

/// Tries to deliver, and hands the outcome to the recorder.
pub(super) async fn run(shared: Arc<Shared>, mut started: Started) {
    let Some(settings) = shared.places.start() else {
        return shared.release(started.claim, started.owner);
    };
    if started.claim.body == UNMADE {
        match remake(&shared, &started).await {
            Ok(body) => started.claim.body = body,
            Err(next) => return shared.end_untried(started.claim, started.owner, next),
        }
    }
    let timeout = started.prepared.timeout(&settings);
    if !shared.lease.covers(&started.owner, timeout) {
        return shared.release(started.claim, started.owner);
    }
    let (at, began) = (shared.clock.now(), Instant::now());
    let answer = post(&shared, &started, at, began + timeout).await;
    let took = began.elapsed();
    let retry = started.prepared.retry(&settings);
    let random = rand::random();
    let verdict = judge(answer, started.claim.made, retry, (at, took), random);
    shared.metrics.attempted(verdict.attempt.as_ref(), took);
    log(&started.claim, &verdict);
    shared.judged(started, verdict, at.after(took), random);
}

async fn post(
    shared: &Shared,
    Started {
        claim, prepared, ..
    }: &Started,
    at: Millis,
    deadline: Instant,
) -> Result<Answer, CallError> {
    let signed = prepared.sign(&claim.event, &claim.body, at);
    let signed = signed.map_err(CallError::Unsigned)?;
    let signed = signed.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<_> = prepared.headers().chain(signed).collect();
    let post = Post {
        url: &prepared.ready.url,
        share: claim.tenant.as_str(),
        headers: &headers,
        body: &claim.body,
        deadline,
    };
    shared.client.post(&post).await
}

/// The one line of an attempt. It names no URL: its query may hold a token.
fn log(claim: &Claim, Verdict { attempt, next, .. }: &Verdict) {
    let attempt = attempt.as_ref();
    let state = match next {
        Next::Succeeded => "succeeded",
        Next::Due(_) => "pending",
        Next::Dead(_) => "dead",
    };
    tracing::info!(
        target: "webhook_sender::attempt",
        tenant = %claim.tenant,
        endpoint = %claim.endpoint,
        event = %claim.event,
        delivery = %claim.id,
        attempt = claim.made.saturating_add(1),
        status = attempt.and_then(|attempt| attempt.status),
        phase = attempt.and_then(|attempt| attempt.phase).map(|phase| phase.name()),
        error = attempt.and_then(|attempt| attempt.error.as_deref()),
        duration_ms = attempt.map(|attempt| attempt.duration_ms),
        state,
    );
}

impl Shared {
    /// Gives a claimed delivery back untried.
    pub(super) fn release(&self, claim: Claim, owner: Arc<Owner>) {
        let due = Next::Due(claim.due);
        self.end_untried(claim, owner, due);
    }

    fn end_untried(&self, claim: Claim, owner: Arc<Owner>, next: Next) {
        self.places
            .released(&(claim.tenant.clone(), claim.endpoint.clone()));
        let ended = !matches!(next, Next::Due(_));
        self.record(owner, outcome(claim, None, next), ended);
    }

    fn judged(&self, started: Started, verdict: Verdict, now: Millis, random: f64) {
        let Started {
            claim,
            owner,
            prepared,
        } = started;
        let key: Key = (claim.tenant.clone(), claim.endpoint.clone());
        let gone = match &verdict.next {
            Next::Dead(reason) if verdict.gone => Some(reason.clone()),
            _ => None,
        };
        let shown = Shown {
            version: prepared.ready.endpoint.version,
            health: verdict.health,
            succeeded: verdict
                .attempt
                .as_ref()
                .map(|attempt| attempt.error.is_none()),
            gone,
            at: now,
            random,
        };
        let (change, notice) = self.places.attempted(&key, &shown);
        self.report(&key, change);
        let ordered = prepared.ready.endpoint.ordered;
        self.record(
            owner,
            outcome(claim, verdict.attempt, verdict.next),
            ordered,
        );
        if let Some(notice) = notice {
            self.notice((key.0, key.1, notice));
        }
    }

    fn report(&self, (tenant, endpoint): &Key, change: Change) {
        match change {
            Change::None => return,
            Change::Opened => {
                tracing::warn!(%tenant, %endpoint, "breaker open: endpoint is failing")
            }
            Change::Closed => {
                tracing::info!(%tenant, %endpoint, "breaker closed: endpoint answers")
            }
        }
        self.metrics.breaker(change == Change::Opened);
    }

    fn record(&self, owner: Arc<Owner>, outcome: Outcome, ordered: bool) {
        let entry = Entry {
            owner,
            outcome,
            ordered,
        };
        // The queue is there for as long as anything is in a place.
        let _ = self.outcomes.send(entry);
    }
}

fn outcome(claim: Claim, attempt: Option<crate::model::Attempt>, next: Next) -> Outcome {
    Outcome {
        tenant: claim.tenant,
        id: claim.id,
        endpoint: claim.endpoint,
        fence: claim.fence,
        attempt,
        next,
    }
}
