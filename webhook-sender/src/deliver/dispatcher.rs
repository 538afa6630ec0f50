//! Puts the parts of delivery together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::attempt;
use super::flight::{Flight, outcome};
use super::lane::{Asker, Places as Room};
use super::notices::{self, About};
use super::places::Places;
use super::recorder::{self, Entry};
use super::{Lanes, Notices, Settings, claimer, rewind};
use crate::client::Client;
use crate::lease::Lease;
use crate::metrics::Metrics;
use crate::model::{Clock, EndpointId, TenantId};
use crate::registry::Registry;
use crate::store::{Claim, Next, Outcome, Owner, Store};

/// How often idle connections are closed and endpoints that are gone forgotten.
const UPKEEP: Duration = Duration::from_secs(10);

/// What a dispatcher works with.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub registry: Arc<Registry>,
    pub lease: Arc<Lease>,
    pub client: Arc<Client>,
    pub notices: Arc<dyn Notices>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    pub settings: Settings,
}

/// Delivers. It may be given deliveries from the start; it works once it [runs](Self::run).
pub struct Dispatcher {
    shared: Arc<Shared>,
    outcomes: UnboundedReceiver<Entry>,
    notices: UnboundedReceiver<About>,
    tell: Arc<dyn Notices>,
}

/// What every part of delivery needs.
pub(super) struct Shared {
    pub store: Arc<dyn Store>,
    pub registry: Arc<Registry>,
    pub lease: Arc<Lease>,
    pub client: Arc<Client>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    pub places: Places,
    /// To the recorder. As many as there are places taken, at most.
    pub outcomes: UnboundedSender<Entry>,
    /// To the task that tells them. A few an endpoint and version, at most.
    notices: UnboundedSender<About>,
}

/// The places, for the planner and the intake, and for changes of the settings.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Dispatcher {
    pub fn new(parts: Parts) -> Self {
        let (to_outcomes, outcomes) = mpsc::unbounded_channel();
        let (to_notices, notices) = mpsc::unbounded_channel();
        let shared = Shared {
            store: parts.store,
            registry: parts.registry,
            lease: parts.lease,
            client: parts.client,
            places: Places::new(parts.settings, parts.metrics.clone()),
            metrics: parts.metrics,
            clock: parts.clock,
            outcomes: to_outcomes,
            notices: to_notices,
        };
        Self {
            shared: Arc::new(shared),
            outcomes,
            notices,
            tell: parts.notices,
        }
    }

    /// The places of this dispatcher.
    pub fn lanes(&self) -> Handle {
        Handle(self.shared.clone())
    }

    /// Delivers until `stop`, and then until what is under way has ended and is recorded. Whoever
    /// has set places aside has to use them or give them back for that.
    ///
    /// While the store is unavailable outcomes cannot be recorded, and this does not end.
    pub async fn run(self, stop: CancellationToken) {
        let shared = self.shared;
        let done = CancellationToken::new();
        let recorder = recorder::run(shared.clone(), self.outcomes, done.clone());
        let notices = notices::tell(self.tell, self.notices, done.clone());
        let deliver = async {
            let claiming = claimer::run(shared.clone(), stop.clone());
            let upkeep = stop.run_until_cancelled(upkeep(&shared));
            let clock = stop.run_until_cancelled(rewind::watch_clock(&shared));
            tokio::join!(claiming, upkeep, clock);
            shared.places.stop();
            shared.places.drained().await;
            done.cancel();
        };
        let recorder = tokio::spawn(recorder);
        let notices = tokio::spawn(notices);
        deliver.await;
        let _ = recorder.await;
        let _ = notices.await;
    }
}

async fn upkeep(shared: &Shared) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        shared.client.sweep();
        shared.places.forget_unless(|(tenant, endpoint)| {
            shared.registry.endpoint(tenant, endpoint).is_some()
        });
    }
}

impl Shared {
    /// Starts a delivery that `owner` has claimed, in a place set aside for it.
    pub(super) fn start(self: &Arc<Self>, claim: Claim, owner: &Arc<Owner>) {
        let key = (claim.tenant.clone(), claim.endpoint.clone());
        let owner = owner.clone();
        match self.places.prepared(&key) {
            Some(prepared) => {
                let flight = Flight::new(self.clone(), owner, claim, prepared);
                tokio::spawn(attempt::run(self.clone(), flight));
            }
            None => {
                self.places.released(&key);
                let due = self.due_again(&claim);
                self.record(owner, outcome(&claim, None, due), false);
            }
        }
    }

    /// What becomes of a claimed delivery that is given back untried. It was due when it was claimed:
    /// a later moment comes from a clock that was ahead.
    pub(super) fn due_again(&self, claim: &Claim) -> Next {
        Next::Due(claim.due.min(self.clock.now()))
    }

    pub(super) fn record(&self, owner: Arc<Owner>, outcome: Outcome, ordered: bool) {
        let entry = Entry {
            owner,
            outcome,
            ordered,
        };
        // The queue is there for as long as anything is in a place.
        let _ = self.outcomes.send(entry);
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

impl Handle {
    /// Changes the limits for what starts from now on.
    pub fn set_settings(&self, settings: Settings) {
        self.0.places.set_settings(settings);
    }

    /// How many deliveries are started and not yet recorded.
    pub fn in_flight(&self) -> usize {
        self.0.places.taken()
    }
}

#[async_trait]
impl Lanes for Handle {
    fn reserve(&self, tenant: &TenantId, endpoint: &EndpointId) -> bool {
        let Some(ready) = self.0.registry.endpoint(tenant, endpoint) else {
            return false;
        };
        matches!(
            self.0.places.take(&ready, 1, Asker::Planner),
            Room::Some(1..)
        )
    }

    fn unreserve(&self, tenant: &TenantId, endpoint: &EndpointId) {
        self.0
            .places
            .give_back(&(tenant.clone(), endpoint.clone()), 1);
    }

    fn start(&self, owner: &Arc<Owner>, claims: Vec<Claim>) {
        for claim in claims {
            self.0.start(claim, owner);
        }
    }

    fn wake(&self) {
        self.0.places.wakes.ask();
    }

    async fn room(&self) -> usize {
        self.0.places.room().await
    }
}
