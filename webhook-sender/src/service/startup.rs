//! Builds a sender from its configuration, starts its tasks and stops them in order.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use event_sources::Intake;
use redis_link::Address;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use webhook_client::Client;
use webhook_model::{Clock, Owner};
use webhook_store::postgres::{self, PostgresStore};
use webhook_store::redis::RedisStore;
use webhook_store::sqlite::SqliteStore;
use webhook_store::{Lease, Store};

use super::descriptors;
use super::maintenance;
use super::outboxes;
use super::planner_sink::PlannerSink;
use super::reload::{Reload, RetryTimer, settings};
use super::sources;
use super::status::Overview;
use super::stop::{ReloadSignal, StopSignals};
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

/// The longest wait for the release of the lease when the start is aborted. A lease that is not
/// released expires by itself.
const LEAVE: Duration = Duration::from_secs(2);

/// An open store, and the identity of this process in it.
pub struct StoreSession {
    store: Arc<dyn Store>,
    owner: Owner,
    clock: Clock,
}

impl StoreSession {
    /// Opens the store without acquiring a lease.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be opened.
    pub async fn open(config: &Config) -> Result<Self> {
        Ok(Self {
            store: open(config).await?,
            owner: Owner::this_process(&config.name),
            clock: Clock::system(),
        })
    }

    /// Releases the lease of this process, if it has one.
    pub async fn leave(self) {
        let left = self.store.release_lease(&self.owner, self.clock.now());
        match tokio::time::timeout(LEAVE, left).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "lease not released"),
            Err(_) => tracing::warn!("lease not released: the store does not respond"),
        }
    }
}

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

/// A sender whose tasks run.
pub struct Running {
    /// The address that the API listens on.
    pub address: SocketAddr,
    reload: Reload,
    lease: Arc<Lease>,
    /// The longest duration of a stop.
    stop_timeout: Duration,
    /// Stops the tasks that bring in work: intake, planning and the API.
    intake: CancellationToken,
    /// Stops delivery, after the intake tasks have ended.
    delivery: CancellationToken,
    /// Stops the maintenance tasks, last: delivery needs the lease that they renew.
    maintenance: CancellationToken,
    api: JoinHandle<()>,
    intake_tasks: Vec<JoinHandle<()>>,
    delivering: JoinHandle<()>,
    maintenance_tasks: Vec<JoinHandle<()>>,
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
        lanes: dispatcher.handle(),
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
        lanes: dispatcher.handle(),
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
        let api = self.serve(listener, intake.clone());
        let mut intake_tasks = Vec::new();
        for source in self.intakes.clone() {
            let stop = intake.clone();
            intake_tasks.push(tokio::spawn(async move { source.run(stop).await }));
        }
        intake_tasks.push(tokio::spawn(self.backlog.run(intake.clone())));
        let maintenance_tasks = vec![
            tokio::spawn({
                let (lease, stop) = (self.lease.clone(), maintenance.clone());
                async move { lease.keep(stop).await }
            }),
            tokio::spawn(maintenance::refresh(
                self.registry.clone(),
                maintenance.clone(),
            )),
            tokio::spawn(maintenance::refresh_keys(
                self.keyring.clone(),
                maintenance.clone(),
            )),
            tokio::spawn(maintenance::forget_access(
                self.store.clone(),
                self.config.retention.audit,
                self.clock.clone(),
                maintenance.clone(),
            )),
            tokio::spawn(maintenance::forget(
                self.store.clone(),
                self.config.retention.clone(),
                self.clock.clone(),
                maintenance.clone(),
            )),
        ];
        Ok(Running {
            address,
            stop_timeout: self.config.delivery.lease + GRACE,
            delivering: tokio::spawn(self.dispatcher.run(self.health_recorder, delivery.clone())),
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

    fn serve(&self, listener: TcpListener, stop: CancellationToken) -> JoinHandle<()> {
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
            lanes: Arc::new(self.reload.lanes.clone()),
            client: self.client.clone(),
            rules: self.rules.clone(),
            max_data_bytes: self.config.delivery.max_body,
            clock: self.clock.clone(),
            status: self.overview.clone(),
            keyring: self.keyring.clone(),
            feed: self.feed.clone(),
            single: Arc::new(self.reload.lanes.clone()),
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
        tokio::spawn(api::serve(
            listener,
            router,
            Limits::of_this_process(),
            stop,
        ))
    }
}

impl Running {
    /// Runs until a signal requests a stop; then finishes the attempts in flight and releases the
    /// lease.
    ///
    /// # Errors
    ///
    /// Fails if the stop times out or a second signal arrives. Nothing is lost: attempts that were
    /// not recorded are made again.
    pub async fn until(mut self, mut stop: StopSignals, reload: ReloadSignal) -> Result<()> {
        tokio::select! {
            _ = stop.received() => {}
            () = self.follow_file(reload) => {}
        }
        tracing::info!("stopping");
        let stop_timeout = self.stop_timeout;
        tokio::select! {
            stopped = tokio::time::timeout(stop_timeout, self.stop()) => {
                stopped.context("timed out waiting for attempts in flight")?
            }
            _ = stop.received() => anyhow::bail!("second shutdown signal, aborting"),
        }
    }

    /// Reloads the file at each signal, retries failed handshakes, and restores declarations that the
    /// store has lost. Never returns.
    async fn follow_file(&mut self, mut signal: ReloadSignal) {
        loop {
            tokio::select! {
                () = signal.received() => self.reload.reload().await,
                () = self.reload.catch_up() => {}
            }
        }
    }

    async fn stop(self) -> Result<()> {
        self.intake.cancel();
        let delivery = async {
            for task in self.intake_tasks {
                let _ = task.await;
            }
            self.delivery.cancel();
            let _ = self.delivering.await;
        };
        // Delivery does not wait for clients of the API. Events that they publish meanwhile are
        // delivered by the next process.
        let (_, _) = tokio::join!(delivery, self.api);
        self.maintenance.cancel();
        for task in self.maintenance_tasks {
            let _ = task.await;
        }
        self.lease.release().await?;
        tracing::info!("stopped");
        Ok(())
    }
}

async fn open(config: &Config) -> Result<Arc<dyn Store>> {
    let url = config.store.url.reveal();
    if let Some(path) = url.strip_prefix("sqlite://") {
        outboxes::check(config, None).await?;
        let path: PathBuf = config.folder.join(path);
        let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&path));
        let store = opened.await?.context("store.url")?;
        return Ok(Arc::new(store));
    }
    if let Some(address) = postgres_address(config)? {
        let store = PostgresStore::open(address.clone()).await;
        let mut store = store.context("store.url")?;
        let shared = outboxes::check(config, Some(&address)).await?;
        store.remove_from(&shared).await.context("store.url")?;
        return Ok(Arc::new(store));
    }
    outboxes::check(config, None).await?;
    let address = Address::parse(url).context("store.url")?;
    Ok(Arc::new(RedisStore::new(address)))
}

/// Returns the address of a store in PostgreSQL; `None` for another store.
pub fn postgres_address(config: &Config) -> Result<Option<postgres::Address>> {
    let url = config.store.url.reveal();
    if !url.starts_with("postgres") {
        return Ok(None);
    }
    let address = postgres::Address::parse(url).context("store.url")?;
    Ok(Some(address))
}
