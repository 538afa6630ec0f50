//! Puts the parts of delivery together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use webhook_client::Client;
use webhook_model::{Clock, EndpointId, Owner, TenantId};
use webhook_store::{Claim, Lease, Queue};

use super::context::{Context, QueuedOutcome};
use super::lane::{Asker, Places as Room};
use super::notices::{self, About};
use super::places::Places;
use super::{Notices, Settings, attempt, claimer, recorder, rewind};
use crate::metrics::Metrics;
use crate::plan::DispatchPort;
use crate::registry::Registry;

/// How often idle connections are closed and endpoints that are gone forgotten.
const UPKEEP: Duration = Duration::from_secs(10);

/// What a dispatcher works with.
pub struct Parts {
    pub store: Arc<dyn Queue>,
    pub registry: Arc<Registry>,
    pub lease: Arc<Lease>,
    pub client: Arc<Client>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    pub settings: Settings,
}

/// Delivers. It may be given deliveries from the start; it works once it [runs](Self::run).
pub struct Dispatcher {
    context: Arc<Context>,
    outcomes: UnboundedReceiver<QueuedOutcome>,
    notices: UnboundedReceiver<About>,
}

/// The places, for the planner and the intake, and for changes of the settings.
#[derive(Clone)]
pub struct Handle(Arc<Context>);

impl Dispatcher {
    pub fn new(parts: Parts) -> Self {
        let (to_outcomes, outcomes) = mpsc::unbounded_channel();
        let (to_notices, notices) = mpsc::unbounded_channel();
        let context = Context {
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
            context: Arc::new(context),
            outcomes,
            notices,
        }
    }

    /// The places of this dispatcher.
    pub fn lanes(&self) -> Handle {
        Handle(self.context.clone())
    }

    /// Delivers until `stop`, and then until what is under way has ended and is recorded: places
    /// that were set aside have to be used or given back for that. Changes of an endpoint's health
    /// go to `observer`.
    ///
    /// While the store is unavailable outcomes cannot be recorded, and this does not end.
    pub async fn run(self, observer: Arc<dyn Notices>, stop: CancellationToken) {
        let context = self.context;
        let done = CancellationToken::new();
        let recorder = recorder::run(context.clone(), self.outcomes, done.clone());
        let notices = notices::tell(observer, self.notices, done.clone());
        let deliver = async {
            let claiming = claimer::run(context.clone(), stop.clone());
            let upkeep = stop.run_until_cancelled(upkeep(&context));
            let clock = stop.run_until_cancelled(rewind::watch_clock(&context));
            tokio::join!(claiming, upkeep, clock);
            context.places.stop();
            context.places.drained().await;
            done.cancel();
        };
        let recorder = tokio::spawn(recorder);
        let notices = tokio::spawn(notices);
        deliver.await;
        let _ = recorder.await;
        let _ = notices.await;
    }
}

async fn upkeep(context: &Context) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        context.client.sweep();
        context.places.forget_unless(|(tenant, endpoint)| {
            context.registry.endpoint(tenant, endpoint).is_some()
        });
    }
}

impl Handle {
    /// Changes the limits for what starts from now on.
    pub fn set_settings(&self, settings: Settings) {
        self.0.places.set_settings(settings);
    }

    /// Waits until a place is free, and returns how many are.
    pub async fn room(&self) -> usize {
        self.0.places.room().await
    }

    /// How many deliveries are started and not yet recorded.
    pub fn in_flight(&self) -> usize {
        self.0.places.taken()
    }
}

impl DispatchPort for Handle {
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
            attempt::start(&self.0, claim, owner);
        }
    }

    fn wake(&self) {
        self.0.places.wakes.ask();
    }
}
