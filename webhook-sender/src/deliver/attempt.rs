//! One attempt.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use tokio::time::Instant;

use super::breaker::Change;
use super::dispatcher::Shared;
use super::flight::Flight;
use super::outcome::{Verdict, judge};
use super::remake::remake;
use crate::client::{Answer, CallError, Post};
use crate::metrics::Metrics;
use crate::model::{Attempt, Millis};
use crate::plan::UNMADE;
use crate::store::{Claim, Next};

/// Tries to deliver, and hands the outcome to the recorder.
///
/// A panic ends the attempt alone: its place is given back and its failure recorded all the same.
pub(super) async fn run(shared: Arc<Shared>, flight: Flight) {
    let attempt = AssertUnwindSafe(fly(shared.clone(), flight));
    if attempt.catch_unwind().await.is_err() {
        shared.metrics.caught_panic();
        shared.observe(|| tracing::error!("an attempt panicked; it is recorded as failed"));
    }
}

async fn fly(shared: Arc<Shared>, mut flight: Flight) {
    let Some(settings) = shared.places.start() else {
        return flight.release();
    };
    if flight.claim.body == UNMADE {
        match remake(&shared, &flight).await {
            Ok(body) => flight.claim.body = body,
            Err(next) => return flight.end_untried(next),
        }
        // The stop may have come meanwhile.
        if shared.places.start().is_none() {
            return flight.release();
        }
    }
    let timeout = flight.prepared.timeout(&settings);
    if !shared.lease.covers(&flight.owner, timeout) {
        return flight.release();
    }
    let (at, began) = (shared.clock.now(), Instant::now());
    let answer = post(&shared, &flight, at, began + timeout).await;
    let took = began.elapsed();
    let retry = flight.prepared.retry(&settings);
    let random = rand::random();
    let verdict = judge(answer, flight.claim.made, retry, (at, took), random);
    let seen = Seen::of(&verdict);
    let change = flight.judged(verdict, at.after(took), random);
    // Observers come last: one that panics cannot take the outcome with it.
    shared.observe(|| {
        shared.metrics.attempted(seen.attempt.as_ref(), took);
        seen.log(&flight.claim);
        report(&shared.metrics, &flight.claim, change);
    });
}

async fn post(
    shared: &Shared,
    Flight {
        claim, prepared, ..
    }: &Flight,
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
