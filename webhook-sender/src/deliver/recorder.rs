//! Records outcomes: whatever has come while one call of the store was under way goes into the next.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::dispatcher::Shared;
use crate::store::{Next, Outcome, Owner, StoreError};

/// The most outcomes in one call.
const MAX_BATCH: usize = 1024;

/// How long to wait before recording again what an unavailable store did not take; doubled with each
/// failure up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// An outcome on its way to the store.
pub(super) struct Entry {
    /// Who claimed the delivery.
    pub owner: Arc<Owner>,
    pub outcome: Outcome,
    /// Whether the endpoint is ordered: then another delivery may be due once this is recorded.
    pub ordered: bool,
}

/// Records what comes in until `done`, when nothing is left.
pub(super) async fn run(
    shared: Arc<Shared>,
    mut queue: UnboundedReceiver<Entry>,
    done: CancellationToken,
) {
    let mut entries = Vec::with_capacity(MAX_BATCH);
    while let Some(1..) = done
        .run_until_cancelled(queue.recv_many(&mut entries, MAX_BATCH))
        .await
    {
        // Attempts that are ready to end do so first, and share the call.
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
            record(&shared, &owner, std::mem::replace(&mut entries, rest)).await;
        }
    }
}

/// Records outcomes of one owner.
async fn record(shared: &Shared, owner: &Owner, entries: Vec<Entry>) {
    let ordered = entries.iter().any(|entry| entry.ordered);
    let outcomes: Vec<_> = entries.into_iter().map(|entry| entry.outcome).collect();
    match complete(shared, owner, &outcomes).await {
        Ok(kept) => account(shared, &outcomes, &kept),
        // One that the store refuses does not keep the others from being recorded.
        Err(_) => {
            for outcome in &outcomes {
                let one = std::slice::from_ref(outcome);
                match complete(shared, owner, one).await {
                    Ok(kept) => account(shared, one, &kept),
                    Err(error) => log_refused(outcome, &error),
                }
            }
        }
    }
    if ordered {
        shared.places.wakes.ask();
    }
    shared.places.recorded(outcomes.len());
}

/// Calls the store until it is there.
async fn complete(
    shared: &Shared,
    owner: &Owner,
    outcomes: &[Outcome],
) -> Result<Vec<bool>, StoreError> {
    let mut pause = FIRST_PAUSE;
    loop {
        match shared
            .store
            .complete(owner, outcomes, shared.clock.now())
            .await
        {
            Err(error @ StoreError::Unavailable { .. }) => {
                tracing::warn!(outcomes = outcomes.len(), %error, "outcomes not recorded");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            done => return done,
        }
    }
}

fn account(shared: &Shared, outcomes: &[Outcome], kept: &[bool]) {
    for (outcome, kept) in outcomes.iter().zip(kept) {
        match (kept, &outcome.next) {
            (false, _) => log_fenced(outcome),
            (true, Next::Due(moment)) => shared.places.wakes.due_at(*moment),
            (true, _) => {}
        }
        shared.metrics.recorded(outcome, *kept);
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
        "outcome refused: the lease had run out, and another sender has the delivery"
    );
}

fn log_refused(
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
