//! A running dispatcher over a store in memory.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use test_support::with_timeout;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use webhook_client::{Client, Policy};
use webhook_model::{
    Clock, Endpoint, EndpointId, Millis, Origin, Owner, Pattern, Retry, Secret, TenantId,
};
use webhook_sender::deliver::{Dispatcher, Handle, Parts, Settings};
use webhook_sender::endpoint_health::HealthObserver;
use webhook_sender::metrics::Metrics;
use webhook_sender::plan::{DispatchPort, ReservedPermit};
use webhook_sender::registry::Registry;
use webhook_store::{Claim, Lease, StoreError};

use super::FakeStore;

/// The secret of every endpoint here.
pub use test_fixtures::SECRET;

pub struct World {
    pub store: Arc<FakeStore>,
    pub registry: Arc<Registry>,
    pub lease: Arc<Lease>,
    pub dispatch_port: Handle,
    pub metrics: Arc<Metrics>,
    pub health_changes: Arc<RecordedChanges>,
    pub clock: Clock,
    pub stop: CancellationToken,
    running: JoinHandle<()>,
}

/// The parameters of a world.
pub struct Setup {
    pub clock: Clock,
    pub lease: Duration,
    pub settings: Settings,
    pub client: webhook_client::Settings,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            lease: Duration::from_secs(3600),
            settings: Settings::default(),
            client: webhook_client::Settings {
                policy: loopback(),
                ..webhook_client::Settings::default()
            },
        }
    }
}

/// Returns a policy that allows receivers on this machine.
pub fn loopback() -> Policy {
    Policy {
        allow_http: true,
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        deny_networks: vec![],
    }
}

impl World {
    pub async fn start() -> Self {
        Self::of(Setup::default()).await
    }

    pub async fn of(setup: Setup) -> Self {
        let store = Arc::new(FakeStore::default());
        let registry = Arc::new(Registry::new(store.clone()));
        let owner = Owner::this_process("test");
        let (clock, length) = (setup.clock, setup.lease);
        let lease = Lease::acquire(store.clone(), clock.clone(), owner, length)
            .await
            .unwrap();
        let health_changes = Arc::new(RecordedChanges::default());
        let metrics = Arc::new(Metrics::default());
        let dispatcher = Dispatcher::new(Parts {
            store: store.clone(),
            registry: registry.clone(),
            lease: lease.clone(),
            client: Arc::new(Client::new(setup.client).unwrap()),
            metrics: metrics.clone(),
            clock: clock.clone(),
            settings: setup.settings,
        });
        let stop = CancellationToken::new();
        Self {
            dispatch_port: dispatcher.handle(),
            running: tokio::spawn(dispatcher.run(health_changes.clone(), stop.clone())),
            store,
            registry,
            lease,
            metrics,
            health_changes,
            clock,
            stop,
        }
    }

    /// Registers an endpoint that `change` has changed.
    pub async fn endpoint(
        &self,
        id: &str,
        url: &str,
        change: impl FnOnce(&mut Endpoint),
    ) -> Endpoint {
        let mut endpoint = endpoint(id, url);
        change(&mut endpoint);
        self.put(endpoint.clone()).await;
        endpoint
    }

    pub async fn put(&self, endpoint: Endpoint) {
        let tenant = endpoint.tenant.clone();
        self.store.put(endpoint);
        self.registry.reload(&tenant).await.unwrap();
    }

    /// Reserves a permit, as planning does.
    pub fn reserve(&self, endpoint: &Endpoint) -> Option<Box<dyn ReservedPermit>> {
        self.dispatch_port.reserve(&endpoint.tenant, &endpoint.id)
    }

    /// Makes one delivery due now.
    pub fn publish(&self, endpoint: &Endpoint, event: &str, body: &[u8]) -> Claim {
        let claim = self.store.add(endpoint, event, body, self.clock.now());
        self.dispatch_port.wake();
        claim
    }

    /// Makes `count` deliveries due now.
    pub fn publish_many(&self, endpoint: &Endpoint, count: usize) -> Vec<Claim> {
        let now = self.clock.now();
        let add = |n| {
            self.store
                .add(endpoint, &format!("evt_{n}"), br#"{"n": 1}"#, now)
        };
        let claims = (0..count).map(add).collect();
        self.dispatch_port.wake();
        claims
    }

    /// Drops the dispatcher's future.
    pub async fn abort(&mut self) {
        self.running.abort();
        let ended = with_timeout(&mut self.running, || "the end".into()).await;
        assert!(ended.unwrap_err().is_cancelled());
    }

    /// Waits until the dispatcher ends by itself.
    pub async fn ended(&mut self) {
        let running = &mut self.running;
        with_timeout(running, || "the end".into()).await.unwrap();
    }

    /// Stops the dispatcher and waits until it has ended.
    pub async fn end(self) {
        self.stop.cancel();
        let in_flight = || format!("the end; {} in flight", self.dispatch_port.in_flight());
        with_timeout(self.running, in_flight).await.unwrap();
    }

    /// Returns the text of `/metrics`.
    pub fn metrics(&self) -> String {
        let mut registry = prometheus_client::registry::Registry::default();
        self.metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }
}

pub fn endpoint(id: &str, url: &str) -> Endpoint {
    let tenant = TenantId::parse("acme").unwrap();
    Endpoint {
        url: url.to_owned(),
        schemes: vec![
            webhook_signature::Scheme::Wss,
            webhook_signature::Scheme::Standard,
        ],
        ..test_fixtures::endpoint(&tenant, id, Millis(0))
    }
}

/// Returns a schedule of these milliseconds, without jitter.
pub fn schedule(waits: &[u64]) -> Option<Retry> {
    Some(Retry {
        schedule: waits.iter().copied().map(Duration::from_millis).collect(),
        jitter: 0.0,
    })
}

/// Records the reported changes.
#[derive(Default)]
pub struct RecordedChanges {
    texts: Mutex<Vec<String>>,
    changed: watch::Sender<()>,
}

impl RecordedChanges {
    pub async fn until(&self, count: usize) -> Vec<String> {
        let mut changes = self.changed.subscribe();
        let enough = async {
            while self.all().len() < count {
                changes.changed().await.unwrap();
            }
            self.all()
        };
        with_timeout(enough, || format!("{count} changes; got: {:?}", self.all())).await
    }

    pub fn all(&self) -> Vec<String> {
        self.texts.lock().unwrap().clone()
    }

    fn record(&self, text: String) -> Result<(), StoreError> {
        self.texts.lock().unwrap().push(text);
        self.changed.send_replace(());
        Ok(())
    }
}

#[async_trait]
impl HealthObserver for RecordedChanges {
    async fn endpoint_disabled(
        &self,
        _: &TenantId,
        endpoint: &EndpointId,
        _: u64,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.record(format!("{endpoint} disabled: {reason}"))
    }

    async fn endpoint_failing(
        &self,
        _: &TenantId,
        endpoint: &EndpointId,
        since: Millis,
    ) -> Result<(), StoreError> {
        self.record(format!("{endpoint} failing since {since}"))
    }

    async fn endpoint_recovered(
        &self,
        _: &TenantId,
        endpoint: &EndpointId,
    ) -> Result<(), StoreError> {
        self.record(format!("{endpoint} recovered"))
    }
}
