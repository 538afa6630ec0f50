//! A planner on a SQLite store.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use event_transforms::component::Folder;
use tempfile::TempDir;
use test_support::with_timeout;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use webhook_model::{Clock, Delivery, Endpoint, Event, EventId, Millis, Owner, Source, TenantId};
use webhook_sender::plan::{BacklogPlanner, BacklogStats, Parts, Planner};
use webhook_sender::registry::Registry;
use webhook_signature::Scheme;
use webhook_store::sqlite::SqliteStore;
use webhook_store::{DeliveryFilter, Lease, Queries, Queue, Tenants};

use crate::dispatch_port::FakeDispatchPort;
use crate::flaky::Flaky;

/// The number of tries of planning an event.
pub const MAX_TRIES: u32 = 3;

pub const NOW: Millis = Millis(1_800_000_000_000);

pub struct World {
    pub planner: Planner,
    pub store: Arc<Flaky<SqliteStore>>,
    pub dispatch_port: Arc<FakeDispatchPort>,
    pub registry: Arc<Registry>,
    pub lease: Arc<Lease>,
    pub stats: Arc<BacklogStats>,
    /// Plans accepted events.
    pub backlog: JoinHandle<()>,
    /// Stops that when the world is dropped.
    _stop: DropGuard,
    /// The folder of its components.
    pub folder: TempDir,
}

impl World {
    /// Creates a world with the tenant `acme` and this number of permits.
    pub async fn with_permits(permits: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("sender.db")).unwrap();
        let store = Arc::new(Flaky::new(store));
        let clock = Clock::standing_at(NOW);
        let owner = Owner::this_process("planner");
        let length = Duration::from_secs(3600);
        let lease = Lease::acquire(store.clone(), clock.clone(), owner, length)
            .await
            .unwrap();
        let components = Folder::new(folder.path());
        let registry = Arc::new(Registry::with_components(store.clone(), components));
        let dispatch_port = Arc::new(FakeDispatchPort::with_permits(permits));
        let planner = Planner::new(Parts {
            store: store.clone(),
            registry: registry.clone(),
            dispatch_port: dispatch_port.clone(),
            lease: lease.clone(),
            clock,
        });
        store.put_tenant(&acme()).await.unwrap();
        let (backlog, stop) = (
            BacklogPlanner::new(&planner, MAX_TRIES),
            CancellationToken::new(),
        );
        let stats = backlog.stats();
        Self {
            backlog: tokio::spawn(backlog.run(stop.clone())),
            planner,
            store,
            dispatch_port,
            registry,
            lease,
            stats,
            _stop: stop.drop_guard(),
            folder,
        }
    }

    /// Adds an endpoint of `acme` that receives all events unless `change` changes it.
    pub async fn endpoint(&self, id: &str, change: impl FnOnce(&mut Endpoint)) -> Endpoint {
        let mut endpoint = endpoint(id);
        change(&mut endpoint);
        endpoint.version = self.store.put_endpoint(&endpoint, None).await.unwrap();
        endpoint
    }

    /// Waits until all accepted events are planned.
    pub async fn all_planned(&self) {
        let planned = async {
            while !self.store.backlog().await.unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        with_timeout(planned, || "the accepted events to be planned".into()).await;
    }

    /// Returns all deliveries of `acme`, the oldest first, once all accepted events are planned.
    pub async fn deliveries(&self) -> Vec<Delivery> {
        self.all_planned().await;
        let filter = DeliveryFilter::default();
        let page = self
            .store
            .deliveries(&acme(), &filter, None, 1000)
            .await
            .unwrap();
        page.items.into_iter().rev().collect()
    }

    /// Returns the endpoints and states of the deliveries, in alphabetical order.
    pub async fn states(&self) -> Vec<String> {
        let shown = |one: &Delivery| format!("{} {}", one.endpoint, one.state.name());
        let mut states: Vec<_> = self.deliveries().await.iter().map(shown).collect();
        states.sort();
        states
    }
}

pub fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

pub fn endpoint(id: &str) -> Endpoint {
    Endpoint {
        schemes: vec![Scheme::Standard],
        ..test_fixtures::endpoint(&acme(), id, NOW)
    }
}

/// Returns an event of type `order.shipped`.
pub fn event(id: &str, data: impl Into<Bytes>) -> Event {
    Event {
        id: EventId::parse(id).unwrap(),
        kind: "order.shipped".into(),
        data: data.into(),
        at: NOW,
        ordering_key: None,
        source: Source::API,
    }
}
