//! The dispatcher, which runs the parts of delivery.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use webhook_client::Client;
use webhook_model::{Clock, EndpointId, Owner, TenantId};
use webhook_store::{Claim, Lease, Queue};

use super::context::{Context, QueuedOutcome};
use super::permits::{Concurrency, Permit, Permits, Requester};
use super::{Settings, attempt, recorder, rewind, scheduler};
use crate::endpoint_health::{EndpointHealthChange, HealthObserver, report};
use crate::feed::Feed;
use crate::metrics::Metrics;
use crate::plan::{DispatchPort, ReservedPermit};
use crate::registry::Registry;

/// The interval at which idle connections are closed and removed endpoints are dropped.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(10);

/// The dependencies of a dispatcher.
pub struct Parts {
    pub store: Arc<dyn Queue>,
    pub registry: Arc<Registry>,
    pub lease: Arc<Lease>,
    pub client: Arc<Client>,
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    pub settings: Settings,
}

/// Delivers events to endpoints. Accepts deliveries from its creation on, and attempts them once it
/// [runs](Self::run).
pub struct Dispatcher {
    context: Arc<Context>,
    outcomes: UnboundedReceiver<QueuedOutcome>,
    health_changes: UnboundedReceiver<EndpointHealthChange>,
}

/// A handle to a dispatcher, for the planner, the intake, and changes of the settings.
#[derive(Clone)]
pub struct Handle(Arc<Context>);

impl Dispatcher {
    pub fn new(parts: Parts) -> Self {
        Self::with_feed(parts, Feed::default())
    }

    /// Returns a dispatcher that publishes its attempts.
    pub fn with_feed(parts: Parts, feed: Feed) -> Self {
        let (to_outcomes, outcomes) = mpsc::unbounded_channel();
        let (to_health_changes, health_changes) = mpsc::unbounded_channel();
        let context = Context {
            store: parts.store,
            registry: parts.registry,
            lease: parts.lease,
            client: parts.client,
            concurrency: Arc::new(Concurrency::new(parts.settings, parts.metrics.clone())),
            metrics: parts.metrics,
            clock: parts.clock,
            outcomes: to_outcomes,
            health_changes: to_health_changes,
            feed,
        };
        Self {
            context: Arc::new(context),
            outcomes,
            health_changes,
        }
    }

    /// Returns a handle to this dispatcher.
    pub fn handle(&self) -> Handle {
        Handle(self.context.clone())
    }

    /// Delivers until `stop`, and then until all attempts in flight have ended and are recorded.
    /// For that, reserved permits must be used or released. Changes of the health of endpoints are
    /// reported to `observer`.
    ///
    /// While the store is unavailable, outcomes cannot be recorded and this does not return. It returns
    /// at once if the recording of outcomes has panicked: attempts whose outcomes are lost would be made
    /// again.
    pub async fn run(self, observer: Arc<dyn HealthObserver>, stop: CancellationToken) {
        let context = self.context;
        let done = CancellationToken::new();
        let recorder = recorder::run(context.clone(), self.outcomes, done.clone());
        let health_changes = report(observer, self.health_changes, done.clone());
        let deliver = async {
            let scheduler = scheduler::run(context.clone(), stop.clone());
            let maintenance = stop.run_until_cancelled(maintenance(&context));
            let clock = stop.run_until_cancelled(rewind::watch_clock(&context));
            tokio::join!(scheduler, maintenance, clock);
            context.concurrency.stop();
            context.concurrency.drained().await;
            done.cancel();
        };
        let mut recorder = tokio::spawn(recorder);
        let health_changes = tokio::spawn(health_changes);
        tokio::select! {
            () = deliver => {}
            _ = &mut recorder => {
                // It has panicked: no outcome can be recorded any more.
                context.concurrency.stop();
                health_changes.abort();
                return;
            }
        }
        let _ = recorder.await;
        let _ = health_changes.await;
    }
}

async fn maintenance(context: &Context) {
    let mut ticks = interval(MAINTENANCE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        context.client.sweep();
        context
            .concurrency
            .retain(|(tenant, endpoint)| context.registry.endpoint(tenant, endpoint).is_some());
    }
}

impl Handle {
    pub(super) fn context(&self) -> &Context {
        &self.0
    }

    /// Changes the limits of attempts that start from now on.
    pub fn set_settings(&self, settings: Settings) {
        self.0.concurrency.set_settings(settings);
    }

    /// Waits until a permit is free, and returns the number of free permits.
    pub async fn free_permits(&self) -> usize {
        self.0.concurrency.free_permits().await
    }

    /// Returns the number of deliveries that are started and not yet recorded.
    pub fn in_flight(&self) -> usize {
        self.0.concurrency.in_use()
    }
}

impl DispatchPort for Handle {
    fn reserve(&self, tenant: &TenantId, endpoint: &EndpointId) -> Option<Box<dyn ReservedPermit>> {
        let context = self.0.clone();
        let compiled = context.registry.endpoint(tenant, endpoint)?;
        let permits = Permits::acquire(&context.concurrency, &compiled, 1, Requester::Planner);
        let permit = permits.ok()?.take()?;
        Some(Box::new(Reserved { context, permit }))
    }

    fn is_breaker_open(&self, tenant: &TenantId, endpoint: &EndpointId) -> bool {
        let key = (tenant.clone(), endpoint.clone());
        self.0.concurrency.is_breaker_open(&key)
    }

    fn wake(&self) {
        self.0.concurrency.wake_signals.queue_changed();
    }
}

/// A permit that the planner has reserved.
struct Reserved {
    context: Arc<Context>,
    permit: Permit,
}

impl ReservedPermit for Reserved {
    fn start(self: Box<Self>, owner: &Arc<Owner>, claim: Claim) {
        attempt::start(&self.context, claim, owner, self.permit);
    }
}
