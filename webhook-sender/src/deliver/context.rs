//! The state that every part of delivery shares, and the queues through which they hand work on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use webhook_client::Client;
use webhook_model::{Clock, Owner};
use webhook_store::{Claim, Lease, Next, Outcome, Queue};

use super::notices::About;
use super::places::Places;
use crate::metrics::Metrics;
use crate::registry::Registry;

/// The state that every part of delivery shares.
pub(super) struct Context {
    pub store: Arc<dyn Queue>,
    pub registry: Arc<Registry>,
    pub lease: Arc<Lease>,
    pub client: Arc<Client>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    pub places: Places,
    /// To the recorder. As many as there are places taken, at most.
    pub outcomes: UnboundedSender<QueuedOutcome>,
    /// To the task that tells them. A few an endpoint and version, at most.
    pub notices: UnboundedSender<About>,
}

/// An outcome on its way to the store.
pub(super) struct QueuedOutcome {
    /// The owner of the claim.
    pub owner: Arc<Owner>,
    pub outcome: Outcome,
    /// Whether the endpoint is ordered: then another delivery may be due once this is recorded.
    pub ordered: bool,
}

impl Context {
    /// What becomes of a claimed delivery that is given back untried. It was due when it was claimed:
    /// a later moment comes from a clock that was ahead.
    pub(super) fn due_again(&self, claim: &Claim) -> Next {
        Next::Due(claim.due.min(self.clock.now()))
    }

    pub(super) fn record(&self, owner: Arc<Owner>, outcome: Outcome, ordered: bool) {
        let queued = QueuedOutcome {
            owner,
            outcome,
            ordered,
        };
        // The queue is there for as long as anything is in a place.
        let _ = self.outcomes.send(queued);
    }

    /// Runs what only observes. A panic in it is counted and goes no further.
    pub(super) fn observe(&self, observer: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(observer)).is_err() {
            self.metrics.caught_panic();
        }
    }

    pub(super) fn notice(&self, about: About) {
        // Without a listener the sender is ending; the next one will find out by itself.
        let _ = self.notices.send(about);
    }
}
