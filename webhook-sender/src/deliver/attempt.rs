//! One attempt.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use tokio::time::Instant;
use webhook_client::{CallError, Response, WebhookRequest};
use webhook_model::{Attempt, Millis, Owner};
use webhook_store::{Claim, Next};

use super::breaker::Change;
use super::context::Context;
use super::flight::{Flight, outcome};
use super::outcome::{Verdict, judge};
use super::remake::remake;
use crate::metrics::Metrics;
use crate::registry::DEFERRED_BODY;

/// Starts a delivery that `owner` has claimed, in a place set aside for it.
pub(super) fn start(context: &Arc<Context>, claim: Claim, owner: &Arc<Owner>) {
    let key = (claim.tenant.clone(), claim.endpoint.clone());
    let owner = owner.clone();
    match context.places.prepared(&key) {
        Some(prepared) => {
            let flight = Flight::new(context.clone(), owner, claim, prepared);
            tokio::spawn(run(context.clone(), flight));
        }
        None => {
            context.places.released(&key);
            let due = context.due_again(&claim);
            context.record(owner, outcome(&claim, None, due), false);
        }
    }
}

/// Tries to deliver, and hands the outcome to the recorder.
///
/// A panic ends the attempt alone: its place is given back and its failure recorded all the same.
async fn run(context: Arc<Context>, flight: Flight) {
    let attempt = AssertUnwindSafe(fly(context.clone(), flight));
    if attempt.catch_unwind().await.is_err() {
        context.metrics.caught_panic();
        context.observe(|| tracing::error!("an attempt panicked; it is recorded as failed"));
    }
}

async fn fly(context: Arc<Context>, mut flight: Flight) {
    let Some(settings) = context.places.start() else {
        return flight.release();
    };
    if flight.claim.body == DEFERRED_BODY {
        match remake(&context, &flight).await {
            Ok(body) => flight.claim.body = body,
            Err(next) => return flight.end_untried(next),
        }
        // The stop may have come meanwhile.
        if context.places.start().is_none() {
            return flight.release();
        }
    }
    let timeout = flight.prepared.timeout(&settings);
    if !context.lease.covers(&flight.owner, timeout) {
        return flight.release();
    }
    let (at, began) = (context.clock.now(), Instant::now());
    let answer = post(&context, &flight, at, began + timeout).await;
    let took = began.elapsed();
    let retry = flight.prepared.retry(&settings);
    let random = rand::random();
    let verdict = judge(answer, flight.claim.made, retry, (at, took), random);
    let seen = Seen::of(&verdict);
    let change = flight.judged(verdict, at.after(took), random);
    // Observers come last: one that panics cannot take the outcome with it.
    context.observe(|| {
        context.metrics.attempted(seen.attempt.as_ref(), took);
        seen.log(&flight.claim);
        report(&context.metrics, &flight.claim, change);
    });
}

async fn post(
    context: &Context,
    Flight {
        claim, prepared, ..
    }: &Flight,
    at: Millis,
    deadline: Instant,
) -> Result<Response, CallError> {
    let signed = prepared.sign(&claim.event, &claim.body, at);
    let signed = signed.map_err(CallError::Unsigned)?;
    let signed = signed.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<_> = prepared.headers().chain(signed).collect();
    let post = WebhookRequest {
        url: &prepared.ready.url,
        fairness_key: claim.tenant.as_str(),
        headers: &headers,
        body: &claim.body,
        deadline,
    };
    context.client.post(&post).await
}

/// The part of a verdict that logs and metrics show.
struct Seen {
    /// Without the response's body.
    attempt: Option<Attempt>,
    state: &'static str,
}

impl Seen {
    fn of(verdict: &Verdict) -> Self {
        let without_body = |attempt: &Attempt| Attempt {
            error: attempt.error.clone(),
            response: None,
            ..*attempt
        };
        let state = match verdict.next {
            Next::Succeeded => "succeeded",
            Next::Due(_) => "pending",
            Next::Dead(_) => "dead",
        };
        Self {
            attempt: verdict.attempt.as_ref().map(without_body),
            state,
        }
    }

    /// Writes the one line of an attempt. It names no URL: its query may hold a token.
    fn log(&self, claim: &Claim) {
        let attempt = self.attempt.as_ref();
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
            state = self.state,
        );
    }
}

fn report(
    metrics: &Metrics,
    Claim {
        tenant, endpoint, ..
    }: &Claim,
    change: Change,
) {
    if change == Change::None {
        return;
    }
    metrics.breaker(change == Change::Opened);
    if change == Change::Opened {
        tracing::warn!(%tenant, %endpoint, "breaker open: endpoint is failing");
    } else {
        tracing::info!(%tenant, %endpoint, "breaker closed: endpoint answers");
    }
}
