//! The state that all parts of delivery share, and the queues between them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use webhook_client::Client;
use webhook_model::{Clock, Owner};
use webhook_store::{Claim, Lease, NextState, Outcome, Queue};

use super::permits::{Concurrency, TotalPermits};
use crate::endpoint_health::EndpointHealthChange;
use crate::feed::Feed;
use crate::metrics::Metrics;
use crate::registry::Registry;

/// The state that all parts of delivery share.
pub(super) struct Context {
    pub store: Arc<dyn Queue>,
    pub registry: Arc<Registry>,
    pub lease: Arc<Lease>,
    pub client: Arc<Client>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    pub concurrency: Arc<Concurrency>,
    /// Sends to the recorder. Holds at most as many outcomes as there are permits.
    pub outcomes: UnboundedSender<QueuedOutcome>,
    /// Sends to the task that reports health changes. Holds a few per endpoint and version at most.
    pub health_changes: UnboundedSender<EndpointHealthChange>,
    pub feed: Feed,
}

/// An outcome that is not recorded yet.
pub(super) struct QueuedOutcome {
    /// The owner of the claim.
    pub owner: Arc<Owner>,
    pub outcome: Outcome,
    /// Set for an ordered endpoint, of which another delivery may be due once this outcome is
    /// recorded.
    pub ordered: bool,
    /// Released when the outcome is recorded, or rejected by the store. `None` for a claim that
    /// exceeded the permits.
    pub permit: Option<TotalPermits>,
}

impl Context {
    /// Returns the next state of a claimed delivery that is returned without an attempt. It was due
    /// when it was claimed, so a later due time comes from a clock that was ahead.
    pub(super) fn due_again(&self, claim: &Claim) -> NextState {
        NextState::Due(claim.due.min(self.clock.now()))
    }

    pub(super) fn record(&self, outcome: QueuedOutcome) {
        // The recorder runs as long as any permit is in use, unless it panicked. Attempts whose
        // outcomes are lost would be made again, so none may start then.
        let sent = self.outcomes.send(outcome);
        if sent.is_err() {
            self.concurrency.stop();
        }
    }

    /// Runs code that only observes (logs, metrics). A panic in it is counted and does not
    /// propagate.
    pub(super) fn observe(&self, observer: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(observer)).is_err() {
            self.metrics.caught_panic();
        }
    }

    pub(super) fn report_health_change(&self, change: EndpointHealthChange) {
        // Sending fails only while the sender shuts down. The next process detects the change by
        // itself.
        let _ = self.health_changes.send(change);
    }
}
