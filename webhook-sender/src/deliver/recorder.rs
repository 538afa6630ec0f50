//! Records outcomes. Those that arrive during one call of the store are recorded together by the
//! next.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use webhook_model::{Backoff, Owner};
use webhook_store::{NextState, Outcome, StoreError};

use super::context::{Context, QueuedOutcome};
use super::permits::TotalPermits;
use super::rewind::correct_outcomes;

/// The most outcomes in one call.
const MAX_BATCH: usize = 1024;

/// Records outcomes until `done`, when none are left.
pub(super) async fn run(
    context: Arc<Context>,
    mut queue: UnboundedReceiver<QueuedOutcome>,
    done: CancellationToken,
) {
    let mut entries = Vec::with_capacity(MAX_BATCH);
    while let Some(1..) = done
        .run_until_cancelled(queue.recv_many(&mut entries, MAX_BATCH))
        .await
    {
        // Attempts that are about to end do so first, and share the call.
        tokio::task::yield_now().await;
        while entries.len() < MAX_BATCH {
            match queue.try_recv() {
                Ok(entry) => entries.push(entry),
                Err(_) => break,
            }
        }
        while let Some(first) = entries.first() {
            let owner = first.owner.clone();
            let others = entries
                .iter()
                .position(|entry| !Arc::ptr_eq(&entry.owner, &owner));
            let rest = entries.split_off(others.unwrap_or(entries.len()));
            record(&context, &owner, std::mem::replace(&mut entries, rest)).await;
        }
    }
}

/// Records outcomes of one owner.
async fn record(context: &Context, owner: &Owner, entries: Vec<QueuedOutcome>) {
    let ordered = entries.iter().any(|entry| entry.ordered);
    let (mut outcomes, permits): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .map(|entry| (entry.outcome, entry.permit))
        .unzip();
    match complete(context, owner, &mut outcomes).await {
        Ok(kept) => {
            // Released at once, and not one by one.
            let permits = permits.into_iter().flatten().reduce(TotalPermits::merge);
            recorded(context, &outcomes, &kept, permits);
        }
        // An outcome that the store rejects does not prevent the others from being recorded.
        Err(_) => {
            for (outcome, permit) in outcomes.iter_mut().zip(permits) {
                let one = std::slice::from_mut(outcome);
                match complete(context, owner, one).await {
                    Ok(kept) => recorded(context, one, &kept, permit),
                    Err(error) => {
                        drop(permit);
                        context.observe(|| log_failed(outcome, &error));
                    }
                }
            }
        }
    }
    if ordered {
        context.concurrency.wake_signals.queue_changed();
    }
}

/// Retries the call until the store is available.
async fn complete(
    context: &Context,
    owner: &Owner,
    outcomes: &mut [Outcome],
) -> Result<Vec<bool>, StoreError> {
    let mut backoff = Backoff::default();
    loop {
        let now = context.clock.now();
        correct_outcomes(outcomes, now);
        match context.store.complete(owner, outcomes, now).await {
            Err(error @ StoreError::Unavailable { .. }) => {
                let waiting = outcomes.len();
                context.observe(
                    || tracing::warn!(outcomes = waiting, %error, "outcomes not recorded"),
                );
                sleep(backoff.next_wait()).await;
            }
            done => return done,
        }
    }
}

/// Releases the permits of outcomes that the store has recorded, or rejected because their claims
/// are outdated.
fn recorded(context: &Context, outcomes: &[Outcome], kept: &[bool], permits: Option<TotalPermits>) {
    for (outcome, _) in outcomes.iter().zip(kept).filter(|(_, kept)| **kept) {
        if let NextState::Due(moment) = outcome.next {
            context.concurrency.wake_signals.due_at(moment);
        }
    }
    drop(permits);
    context.observe(|| account(context, outcomes, kept));
}

fn account(context: &Context, outcomes: &[Outcome], kept: &[bool]) {
    for (outcome, kept) in outcomes.iter().zip(kept) {
        context.metrics.recorded(outcome, *kept);
        // A delivery that was returned without an attempt loses nothing if its claim is outdated.
        if !kept && outcome.attempt.is_some() {
            log_fenced(outcome);
        }
    }
}

fn log_fenced(
    Outcome {
        tenant,
        endpoint,
        id,
        ..
    }: &Outcome,
) {
    tracing::warn!(
        %tenant, %endpoint, delivery = %id,
        "outcome rejected: its claim expired with the lease, or the delivery was deleted"
    );
}

fn log_failed(
    Outcome {
        tenant,
        endpoint,
        id,
        ..
    }: &Outcome,
    error: &StoreError,
) {
    tracing::error!(%tenant, %endpoint, delivery = %id, %error, "outcome not recorded");
}
