//! Runs one attempt.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use tokio::time::Instant;
use webhook_client::{CallError, Response, WebhookRequest};
use webhook_model::{Attempt, Exchange, Millis, Owner};
use webhook_store::{Claim, NextState};

use super::breaker::Change;
use super::context::{Context, QueuedOutcome};
use super::flight::{Flight, outcome};
use super::outcome::{Disposition, classify};
use super::permits::Permit;
use super::render_deferred::render_deferred;
use crate::feed::Happening;
use crate::metrics::Metrics;
use crate::registry::DEFERRED_BODY;

/// Starts a delivery that `owner` has claimed.
pub(super) fn start(context: &Arc<Context>, claim: Claim, owner: &Arc<Owner>, permit: Permit) {
    let flight = Flight::new(context.clone(), owner.clone(), claim, permit);
    tokio::spawn(run(context.clone(), flight));
}

/// Returns a delivery to the queue for which there is no permit.
pub(super) fn return_excess(context: &Context, claim: &Claim, owner: &Arc<Owner>) {
    context.record(QueuedOutcome {
        owner: owner.clone(),
        outcome: outcome(claim, None, context.due_again(claim)),
        ordered: false,
        permit: None,
    });
}

/// Runs an attempt, and passes the outcome to the recorder.
///
/// A panic ends only this attempt, and is recorded as its failure.
async fn run(context: Arc<Context>, flight: Flight) {
    let attempt = AssertUnwindSafe(attempt_delivery(context.clone(), flight));
    if attempt.catch_unwind().await.is_err() {
        context.metrics.caught_panic();
        context.observe(|| tracing::error!("an attempt panicked and is recorded as failed"));
    }
}

async fn attempt_delivery(context: Arc<Context>, mut flight: Flight) {
    let Some(settings) = context.concurrency.start() else {
        return flight.release();
    };
    if flight.claim.body == DEFERRED_BODY {
        match render_deferred(&context, &flight).await {
            Ok(body) => flight.set_body(body),
            Err(next) => return flight.end_untried(next),
        }
        // The dispatcher may have been stopped in the meantime.
        if context.concurrency.start().is_none() {
            return flight.release();
        }
    }
    let timeout = flight.template.timeout(&settings);
    if !context.lease.covers(&flight.owner, timeout) {
        return flight.release();
    }
    let (at, began) = (context.clock.now(), Instant::now());
    let deadline = began + timeout;
    let (response, exchange) = post(&context, &flight, settings.keep_response, at, deadline).await;
    let took = began.elapsed();
    let retry = flight.template.retry(&settings);
    let random = rand::random();
    let mut disposition = classify(
        response,
        flight.claim.attempts_made,
        retry,
        (at, took),
        random,
    );
    let summary = Summary::of(&disposition);
    if let Some(attempt) = &mut disposition.attempt {
        attempt.exchange = exchange;
    }
    let change = flight.end(disposition, at, random);
    // Observers run last, so that a panic in one cannot lose the outcome.
    context.observe(|| {
        context.metrics.attempted(summary.attempt.as_ref(), took);
        summary.log(&flight.claim);
        summary.publish(&context, &flight);
        report_breaker(&context.metrics, &flight.claim, change);
    });
}

/// Sends the request. Returns the response, and the record of both.
async fn post(
    context: &Context,
    Flight {
        claim, template, ..
    }: &Flight,
    keep_response: usize,
    at: Millis,
    deadline: Instant,
) -> (Result<Response, CallError>, Exchange) {
    let signed = match template.sign(&claim.event, &claim.body, at) {
        Ok(signed) => signed,
        Err(error) => {
            let exchange = template.exchange([], &claim.body, None);
            return (Err(CallError::Unsigned(error)), exchange);
        }
    };
    let signed = signed.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<_> = template.headers().chain(signed.clone()).collect();
    let post = WebhookRequest {
        url: &template.compiled.url,
        fairness_key: claim.tenant.as_str(),
        headers: &headers,
        body: &claim.body,
        keep_response,
        deadline,
    };
    let response = context.client.post(&post).await;
    let exchange = template.exchange(signed, &claim.body, response.as_ref().ok());
    (response, exchange)
}

/// The part of a disposition that is logged and counted.
struct Summary {
    /// The attempt without its exchange.
    attempt: Option<Attempt>,
    state: &'static str,
}

impl Summary {
    fn of(disposition: &Disposition) -> Self {
        let without_body = |attempt: &Attempt| Attempt {
            error: attempt.error.clone(),
            exchange: Exchange::default(),
            ..*attempt
        };
        let state = match disposition.next {
            NextState::Succeeded => "succeeded",
            NextState::Due(_) => "pending",
            NextState::Dead(_) => "dead",
        };
        Self {
            attempt: disposition.attempt.as_ref().map(without_body),
            state,
        }
    }

    /// Logs the attempt. The URL is omitted, because its query may contain a token.
    fn log(&self, claim: &Claim) {
        let attempt = self.attempt.as_ref();
        tracing::info!(
            target: "webhook_sender::attempt",
            tenant = %claim.tenant,
            endpoint = %claim.endpoint,
            event = %claim.event,
            delivery = %claim.id,
            attempt = claim.attempts_made.saturating_add(1),
            status = attempt.and_then(|attempt| attempt.status),
            phase = attempt.and_then(|attempt| attempt.phase).map(|phase| phase.name()),
            error = attempt.and_then(|attempt| attempt.error.as_deref()),
            duration_ms = attempt.map(|attempt| attempt.duration_ms),
            state = self.state,
        );
    }

    /// Publishes the attempt to readers of the tenant.
    fn publish(&self, context: &Context, flight: &Flight) {
        let (claim, attempt) = (&flight.claim, self.attempt.as_ref());
        context
            .feed
            .publish(&claim.tenant, context.clock.now(), || {
                Happening::Attempted {
                    delivery: claim.id.clone(),
                    event: claim.event.clone(),
                    endpoint: claim.endpoint.clone(),
                    attempt: claim.attempts_made.saturating_add(1),
                    status: attempt.and_then(|attempt| attempt.status),
                    error: attempt.and_then(|attempt| attempt.error.clone()),
                    phase: attempt
                        .and_then(|attempt| attempt.phase)
                        .map(|phase| phase.name()),
                    duration_ms: attempt.map(|attempt| attempt.duration_ms),
                    state: self.state,
                }
            });
    }
}

fn report_breaker(
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
        tracing::warn!(%tenant, %endpoint, "circuit breaker open: endpoint is failing");
    } else {
        tracing::info!(%tenant, %endpoint, "circuit breaker closed: endpoint has recovered");
    }
}
