//! Puts the parts of a sender together.

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
use webhook_store::redis::RedisStore;
use webhook_store::sqlite::SqliteStore;
use webhook_store::{Lease, Store};

use super::descriptors;
use super::reload::{Again, Reload, settings};
use super::status::Overview;
use super::stop::{ReloadSignal, StopSignals};
use super::stream::FromStream;
use super::upkeep;
use crate::api;
use crate::api::{Access, Api, Limits, Token};
use crate::config;
use crate::config::{Config, Rules};
use crate::deliver;
use crate::deliver::Dispatcher;
use crate::handshake::ByHttp;
use crate::metrics::Metrics;
use crate::plan;
use crate::plan::{BacklogPlanner, Planner};
use crate::registry::Registry;
use crate::standing::Standing;

/// How much longer than the slowest attempt a stop may take.
const GRACE: Duration = Duration::from_secs(10);

/// How long a process that ends before it has started may take to leave the store. A lease that it
/// leaves behind runs out by itself.
const LEAVE: Duration = Duration::from_secs(2);

/// How often an event's planning may begin before it is rejected, unless the configuration says
/// otherwise.
const MAX_TRIES: u32 = 5;

/// A store, and who this process is in it.
pub struct Seat {
    store: Arc<dyn Store>,
    owner: Owner,
    clock: Clock,
}

impl Seat {
    /// Opens the store, and does not enter it yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the store.
    pub async fn open(config: &Config) -> Result<Self> {
        Ok(Self {
            store: open(config).await?,
            owner: Owner::this_process(&config.name),
            clock: Clock::system(),
        })
    }

    /// Leaves the store, which may or may not have been entered.
    pub async fn leave(self) {
        let left = self.store.leave(&self.owner, self.clock.now());
        match tokio::time::timeout(LEAVE, left).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "lease not given up"),
            Err(_) => tracing::warn!("lease not given up: the store does not respond"),
        }
    }
}

/// A sender whose parts know each other, and of which nothing runs yet.
pub struct Built {
    config: Config,
    store: Arc<dyn Store>,
    registry: Arc<Registry>,
    lease: Arc<Lease>,
    planner: Planner,
    dispatcher: Dispatcher,
    standing: Arc<Standing>,
    client: Arc<Client>,
    backlog: BacklogPlanner,
    intake: Option<Arc<Intake>>,
    metrics: Arc<Metrics>,
    overview: Arc<Overview>,
    rules: watch::Receiver<Arc<Rules>>,
    reload: Reload,
    clock: Clock,
}

/// A sender at work.
pub struct Running {
    /// Where its API listens.
    pub address: SocketAddr,
    reload: Reload,
    lease: Arc<Lease>,
    /// How long a stop may take.
    patience: Duration,
    /// Ends what brings work in.
    intake: CancellationToken,
    /// Ends delivery, once nothing brings work in any more.
    delivery: CancellationToken,
    /// Ends the rest.
    upkeep: CancellationToken,
    api: JoinHandle<()>,
    bringing: Vec<JoinHandle<()>>,
    delivering: JoinHandle<()>,
    keeping: Vec<JoinHandle<()>>,
}

/// Enters the store, and brings it to what `config` declares.
///
/// # Errors
///
/// What is wrong with the store, or out of reach.
pub async fn build(config: Config, path: &Path, seat: &Seat) -> Result<Built> {
    let (store, clock, owner) = (seat.store.clone(), seat.clock.clone(), seat.owner.clone());
    let lease = Lease::enter(store.clone(), clock.clone(), owner, config.delivery.lease).await?;
    let components = config.delivery.components.clone();
    let registry = Arc::new(Registry::with_components(store.clone(), components));
    let client = Arc::new(Client::new(webhook_client::Settings {
        policy: config.delivery.policy.clone(),
        max_idle: descriptors::idle_connections(),
        ..webhook_client::Settings::default()
    })?);
    let metrics = Arc::new(Metrics::default());
    let dispatcher = Dispatcher::new(deliver::Parts {
        store: store.clone(),
        registry: registry.clone(),
        lease: lease.clone(),
        client: client.clone(),
        metrics: metrics.clone(),
        clock: clock.clone(),
        settings: settings(&config, config.delivery.lease),
    });
    let planner = Planner::new(plan::Parts {
        store: store.clone(),
        registry: registry.clone(),
        lanes: Arc::new(dispatcher.lanes()),
        lease: lease.clone(),
        clock: clock.clone(),
    });
    let standing = Standing {
        store: store.clone(),
        registry: registry.clone(),
        planner: planner.clone(),
        clock: clock.clone(),
    };
    let sink = FromStream {
        planner: planner.clone(),
        store: store.clone(),
        registry: registry.clone(),
        lanes: dispatcher.lanes(),
        clock: clock.clone(),
    };
    let intake = intake(&config, &lease, sink)?.map(Arc::new);
    let max_tries = config
        .stream
        .as_ref()
        .map_or(MAX_TRIES, |stream| stream.max_tries);
    let backlog = BacklogPlanner::new(&planner, max_tries);
    let overview = Overview::new(
        &store,
        intake.clone(),
        backlog.stats(),
        &metrics,
        clock.clone(),
    );
    let (to_rules, rules) = watch::channel(Arc::new(config.rules()));
    let mut reload = Reload {
        path: path.into(),
        store: store.clone(),
        registry: registry.clone(),
        lanes: dispatcher.lanes(),
        rules: to_rules,
        handshakes: ByHttp {
            client: client.clone(),
            policy: config.delivery.policy.clone(),
            timeout: config.delivery.timeout,
        },
        clock: clock.clone(),
        first: config.clone(),
        current: config.clone(),
        again: Again::default(),
    };
    reload.apply(&config).await?;
    Ok(Built {
        config,
        store,
        registry,
        lease,
        planner,
        dispatcher,
        standing: Arc::new(standing),
        client,
        backlog,
        intake,
        metrics,
        overview: Arc::new(overview),
        rules,
        reload,
        clock,
    })
}

impl Built {
    /// Sets everything going.
    ///
    /// # Errors
    ///
    /// Where the listener has no address.
    pub fn start(self, listener: TcpListener) -> Result<Running> {
        let address = listener.local_addr()?;
        let (intake, delivery, upkeep) =
            <(CancellationToken, CancellationToken, CancellationToken)>::default();
        let api = self.serve(listener, intake.clone());
        let mut bringing = Vec::new();
        if let Some(stream) = self.intake.clone() {
            let stop = intake.clone();
            bringing.push(tokio::spawn(async move { stream.run(stop).await }));
        }
        bringing.push(tokio::spawn(self.backlog.run(intake.clone())));
        let keeping = vec![
            tokio::spawn({
                let (lease, stop) = (self.lease.clone(), upkeep.clone());
                async move { lease.keep(stop).await }
            }),
            tokio::spawn(upkeep::refresh(self.registry.clone(), upkeep.clone())),
            tokio::spawn(upkeep::forget(
                self.store.clone(),
                self.config.retention.clone(),
                self.clock.clone(),
                upkeep.clone(),
            )),
        ];
        Ok(Running {
            address,
            patience: self.config.delivery.lease + GRACE,
            delivering: tokio::spawn(self.dispatcher.run(self.standing, delivery.clone())),
            reload: self.reload,
            lease: self.lease,
            intake,
            delivery,
            upkeep,
            api,
            bringing,
            keeping,
        })
    }

    fn serve(&self, listener: TcpListener, stop: CancellationToken) -> JoinHandle<()> {
        let token = |token: &Option<config::Token>| {
            let token = token.as_ref();
            token.map(|token| Token::new(token.reveal()))
        };
        let access = Access::new(
            token(&self.config.api.token),
            token(&self.config.metrics.token),
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
        });
        let router = api::router(api, access);
        tokio::spawn(api::serve(
            listener,
            router,
            Limits::of_this_process(),
            stop,
        ))
    }
}

impl Running {
    /// Goes on until a signal says stop; then ends what is under way and leaves nothing behind.
    ///
    /// # Errors
    ///
    /// Where that takes too long. Nothing is lost: what was not recorded is attempted again.
    pub async fn until(mut self, mut stop: StopSignals, reload: ReloadSignal) -> Result<()> {
        tokio::select! {
            _ = stop.received() => {}
            () = self.follow_file(reload) => {}
        }
        tracing::info!("stopping");
        let patience = self.patience;
        tokio::select! {
            stopped = tokio::time::timeout(patience, self.stop()) => {
                stopped.context("gave up waiting for what is under way")?
            }
            _ = stop.received() => anyhow::bail!("second shutdown signal, aborting"),
        }
    }

    /// Reads the file again at each signal, makes handshakes that failed again, and restores what the
    /// store has lost, for ever.
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
            for bringing in self.bringing {
                let _ = bringing.await;
            }
            self.delivery.cancel();
            let _ = self.delivering.await;
        };
        // Clients of the API never hold delivery up. What they publish meanwhile is left to the next
        // process.
        let (_, _) = tokio::join!(delivery, self.api);
        self.upkeep.cancel();
        for keeping in self.keeping {
            let _ = keeping.await;
        }
        self.lease.leave().await?;
        tracing::info!("stopped");
        Ok(())
    }
}

fn intake(config: &Config, lease: &Lease, sink: FromStream) -> Result<Option<Intake>> {
    let Some(stream) = &config.stream else {
        return Ok(None);
    };
    let address = Address::parse(stream.url.reveal()).context("stream.url")?;
    let owner = Owner::clone(&lease.owner());
    let clock = sink.clock.clone();
    let settings = event_sources::Settings {
        max_data_bytes: config.delivery.max_body,
        min_idle: stream.claim_after,
        trim: stream.trim,
        ..event_sources::Settings::new(address, &*stream.name, &*stream.group, owner)
    };
    Ok(Some(Intake::new(settings, Arc::new(sink), clock)))
}

async fn open(config: &Config) -> Result<Arc<dyn Store>> {
    let url = config.store.url.reveal();
    if let Some(path) = url.strip_prefix("sqlite://") {
        let path: PathBuf = config.folder.join(path);
        let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&path));
        let store = opened.await?.context("store.url")?;
        return Ok(Arc::new(store));
    }
    let address = Address::parse(url).context("store.url")?;
    Ok(Arc::new(RedisStore::new(address)))
}
