//! Builds a sender from its configuration, and starts its tasks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use event_sources::Intake;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use webhook_client::Client;
use webhook_model::Clock;
use webhook_store::{Lease, Store};

use super::descriptors;
use super::maintenance;
use super::planner_sink::PlannerSink;
use super::reload::{Reload, RetryTimer, settings};
use super::running::Running;
use super::sources;
use super::status::Overview;
use super::store_session::StoreSession;
use super::supervisor::Supervisor;
use crate::api;
use crate::api::{Access, Api, Limits, Token};
use crate::audit::AuditLog;
use crate::config::{Config, Rules};
use crate::deliver;
use crate::deliver::Dispatcher;
use crate::endpoint_health::HealthRecorder;
use crate::feed::Feed;
use crate::handshake::ByHttp;
use crate::keys::Keyring;
use crate::metrics::Metrics;
use crate::plan;
use crate::plan::{BacklogPlanner, Planner};
use crate::registry::Registry;

/// The time that a stop may take beyond the lease, which bounds the slowest attempt.
const GRACE: Duration = Duration::from_secs(10);

/// A sender whose parts are connected and whose tasks are not started yet.
pub struct Sender {
    config: Config,
    store: Arc<dyn Store>,
    registry: Arc<Registry>,
    lease: Arc<Lease>,
    planner: Planner,
    dispatcher: Dispatcher,
    health_recorder: Arc<HealthRecorder>,
    client: Arc<Client>,
    backlog: BacklogPlanner,
    intakes: Vec<Arc<Intake>>,
    metrics: Arc<Metrics>,
    overview: Arc<Overview>,
    rules: watch::Receiver<Arc<Rules>>,
    reload: Reload,
    keyring: Arc<Keyring>,
    audit: AuditLog,
    feed: Feed,
    clock: Clock,
}

/// Acquires a lease in the store, and applies the declarations of `config` to it.
///
/// # Errors
///
/// Fails if the store is unreachable or rejects the declarations.
pub async fn build(config: Config, path: &Path, session: &StoreSession) -> Result<Sender> {
    let (store, clock, owner) = (
        session.store.clone(),
        session.clock.clone(),
        session.owner.clone(),
    );
    let lease = Lease::acquire(store.clone(), clock.clone(), owner, config.delivery.lease).await?;
    let components = config.delivery.components.clone();
    let registry = Arc::new(Registry::with_components(store.clone(), components));
    let client = Arc::new(Client::new(webhook_client::Settings {
        policy: config.delivery.policy.clone(),
        max_idle: descriptors::idle_connections(),
        ..webhook_client::Settings::default()
    })?);
    let metrics = Arc::new(Metrics::default());
    let feed = Feed::default();
    let parts = deliver::Parts {
        store: store.clone(),
        registry: registry.clone(),
        lease: lease.clone(),
        client: client.clone(),
        metrics: metrics.clone(),
        clock: clock.clone(),
        settings: settings(&config, config.delivery.lease),
    };
    let dispatcher = Dispatcher::with_feed(parts, feed.clone());
    let parts = plan::Parts {
        store: store.clone(),
        registry: registry.clone(),
        dispatch_port: Arc::new(dispatcher.handle()),
        lease: lease.clone(),
        clock: clock.clone(),
    };
    let planner = Planner::with_feed(parts, feed.clone());
    let audit = AuditLog::new(store.clone(), clock.clone());
    let health_recorder = HealthRecorder {
        store: store.clone(),
        registry: registry.clone(),
        planner: planner.clone(),
        clock: clock.clone(),
        audit: audit.clone(),
        feed: feed.clone(),
    };
    let sink = PlannerSink {
        planner: planner.clone(),
        store: store.clone(),
        registry: registry.clone(),
        dispatcher: dispatcher.handle(),
        clock: clock.clone(),
    };
    let intakes = sources::intakes(&config, &lease.owner(), Arc::new(sink), &clock)?;
    let backlog = BacklogPlanner::new(&planner, config.delivery.max_tries);
    let overview = Overview::new(
        &store,
        intakes.clone(),
        backlog.stats(),
        &metrics,
        clock.clone(),
    );
    let (to_rules, rules) = watch::channel(Arc::new(config.rules()));
    let keys = config.api.configured_keys();
    let keyring = Arc::new(Keyring::new(store.clone(), keys, clock.clone()));
    let mut reload = Reload {
        path: path.into(),
        store: store.clone(),
        registry: registry.clone(),
        dispatcher: dispatcher.handle(),
        rules: to_rules,
        handshakes: ByHttp {
            client: client.clone(),
            policy: config.delivery.policy.clone(),
            timeout: config.delivery.timeout,
        },
        clock: clock.clone(),
        first: config.clone(),
        current: config.clone(),
        retry: RetryTimer::default(),
        keyring: keyring.clone(),
        audit: audit.clone(),
    };
    reload.apply_audited(&config).await?;
    Ok(Sender {
        config,
        store,
        registry,
        lease,
        planner,
        dispatcher,
        health_recorder: Arc::new(health_recorder),
        client,
        backlog,
        intakes,
        metrics,
        overview: Arc::new(overview),
        rules,
        reload,
        keyring,
        audit,
        feed,
        clock,
    })
}

impl Sender {
    /// Starts all tasks, with the API on `listener`.
    ///
    /// # Errors
    ///
    /// Fails if the listener has no local address.
    pub fn start(self, listener: TcpListener) -> Result<Running> {
        let address = listener.local_addr()?;
        let (intake, delivery, maintenance) =
            <(CancellationToken, CancellationToken, CancellationToken)>::default();
        let supervisor = Supervisor::default();
        let api = supervisor.spawn("api", &intake, self.serve(listener, intake.clone()));
        let mut intake_tasks = Vec::new();
        for source in self.intakes.clone() {
            let stop = intake.clone();
            let reading = async move { source.run(stop).await };
            intake_tasks.push(supervisor.spawn("source", &intake, reading));
        }
        let planning = self.backlog.run(intake.clone());
        intake_tasks.push(supervisor.spawn("planning", &intake, planning));
        let (lease, stop) = (self.lease.clone(), maintenance.clone());
        let maintenance_tasks = vec![
            supervisor.spawn("lease", &maintenance, async move { lease.keep(stop).await }),
            supervisor.spawn(
                "registry",
                &maintenance,
                maintenance::refresh(self.registry.clone(), maintenance.clone()),
            ),
            supervisor.spawn(
                "keys",
                &maintenance,
                maintenance::refresh_keys(self.keyring.clone(), maintenance.clone()),
            ),
            supervisor.spawn(
                "counts",
                &maintenance,
                maintenance::write_counts(self.store.clone(), maintenance.clone()),
            ),
            supervisor.spawn(
                "retention of the audit list",
                &maintenance,
                maintenance::prune_access(
                    self.store.clone(),
                    self.config.retention.audit,
                    self.clock.clone(),
                    maintenance.clone(),
                ),
            ),
            supervisor.spawn(
                "retention",
                &maintenance,
                maintenance::prune_deliveries(
                    self.store.clone(),
                    self.config.retention.clone(),
                    self.clock.clone(),
                    maintenance.clone(),
                ),
            ),
        ];
        let dispatching = self.dispatcher.run(self.health_recorder, delivery.clone());
        Ok(Running {
            address,
            stop_timeout: self.config.delivery.lease + GRACE,
            delivering: supervisor.spawn("delivery", &delivery, dispatching),
            supervisor,
            reload: self.reload,
            lease: self.lease,
            intake,
            delivery,
            maintenance,
            api,
            intake_tasks,
            maintenance_tasks,
        })
    }

    fn serve(
        &self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let token = self.config.metrics.token.as_ref();
        let token = token.map(|token| Token::new(token.reveal()));
        let access = Access::new(
            self.keyring.clone(),
            self.audit.clone(),
            token,
            self.metrics.clone(),
        );
        let api = Api::new(api::Parts {
            tenants: self.store.clone(),
            queries: self.store.clone(),
            registry: self.registry.clone(),
            planner: self.planner.clone(),
            dispatch_port: Arc::new(self.reload.dispatcher.clone()),
            client: self.client.clone(),
            rules: self.rules.clone(),
            max_data_bytes: self.config.delivery.max_body,
            clock: self.clock.clone(),
            status: self.overview.clone(),
            keyring: self.keyring.clone(),
            feed: self.feed.clone(),
            single: Arc::new(self.reload.dispatcher.clone()),
            previews: api::Previews::default(),
            stopping: stop.clone(),
            audit: self.audit.clone(),
            pages_url: self.config.pages.url.clone(),
        });
        let router = super::pages::beside(
            &self.config.pages,
            api::router(api, access.clone()),
            access,
            &self.clock,
        );
        api::serve(listener, router, Limits::of_this_process(), stop)
    }
}
