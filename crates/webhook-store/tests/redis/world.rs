//! A `redis-server` for a test, and helpers for stores on it.

use redis::aio::MultiplexedConnection;
use redis_link::Address;
use test_support::redis::{Fsync, RedisServer};
use webhook_model::{
    Attempt, Delivery, DeliveryId, Endpoint, EndpointId, Event, EventId, Exchange, Millis, Owner,
    Source, TenantId,
};
use webhook_store::redis::RedisStore;
use webhook_store::{
    Claim, ClaimRequest, DeliveryFilter, Fence, InitialState, Leases, NewDelivery, NextState,
    Outcome, PlanBatch, PlanResult, Planned, PlannedEvent, Queries, Queue, StoreError, Tenants,
};

pub struct World {
    pub server: RedisServer,
}

pub fn at(ms: u64) -> Millis {
    Millis(1_800_000_000_000 + ms)
}

pub fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

pub fn endpoint_id(id: &str) -> EndpointId {
    EndpointId::parse(id).unwrap()
}

/// Returns an owner on another host, which is not known to be gone.
pub fn owner(name: &str) -> Owner {
    Owner {
        host: format!("machine of {name}"),
        ..Owner::this_process(name)
    }
}

pub fn endpoint(tenant: &TenantId, id: &str) -> Endpoint {
    test_fixtures::endpoint(tenant, id, at(0))
}

/// Returns an event with one delivery to `endpoint`.
pub fn planned(
    tenant: &TenantId,
    id: &str,
    to: &str,
    start: InitialState,
    bytes: usize,
) -> PlannedEvent {
    let event = Event {
        id: EventId::parse(id).unwrap(),
        kind: "order.shipped".into(),
        data: format!("\"{}\"", "x".repeat(bytes)).into(),
        at: at(0),
        ordering_key: None,
        source: Source::API,
    };
    let endpoint = endpoint_id(to);
    let delivery = NewDelivery {
        id: DeliveryId::of(tenant, &event.id, &endpoint),
        endpoint,
        body: None,
        ordered: false,
        start,
    };
    PlannedEvent {
        event,
        deliveries: vec![delivery],
    }
}

/// The fence of deliveries that start claimed in these tests.
pub const PLANNED: Fence = Fence {
    at: Millis(1_800_000_000_001),
    count: 7,
};

/// Returns the successful outcome of the first attempt of a delivery that started claimed.
pub fn success(tenant: &TenantId, id: &DeliveryId, to: &str) -> Outcome {
    let attempt = Attempt {
        at: at(1),
        status: Some(200),
        error: None,
        phase: None,
        duration_ms: 3,
        exchange: Exchange::of_text("ok"),
    };
    Outcome {
        tenant: tenant.clone(),
        id: id.clone(),
        endpoint: endpoint_id(to),
        fence: PLANNED,
        attempt: Some(attempt),
        next: NextState::Succeeded,
    }
}

impl World {
    pub async fn new() -> Self {
        Self {
            server: RedisServer::start(Fsync::Always).await,
        }
    }

    /// Returns a store with tenant `acme` and its endpoint `orders`, with a lease of `owner` until
    /// 10,000.
    pub async fn store(&self, owner: &Owner) -> RedisStore {
        let store = self.bare_store();
        store.acquire_lease(owner, at(0), at(10_000)).await.unwrap();
        store.put_tenant(&tenant("acme")).await.unwrap();
        let orders = endpoint(&tenant("acme"), "orders");
        match store.put_endpoint(&orders, None).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => store,
            Err(error) => panic!("{error}"),
        }
    }

    pub fn bare_store(&self) -> RedisStore {
        self.store_at(&self.server.url())
    }

    pub fn store_at(&self, url: &str) -> RedisStore {
        RedisStore::new(Address::parse(url).unwrap())
    }

    pub async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.server.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    pub async fn command(&self, words: &[&str]) -> redis::Value {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command
            .query_async(&mut self.connection().await)
            .await
            .unwrap()
    }
}

/// Plans one event of `acme` to `orders`.
pub async fn plan(
    store: &RedisStore,
    owner: &Owner,
    id: &str,
    start: InitialState,
    ms: u64,
) -> Result<Planned, StoreError> {
    let acme = tenant("acme");
    let (version, _) = store.endpoints(&acme).await?.unwrap();
    let events = vec![planned(&acme, id, "orders", start, 10)];
    let batch = PlanBatch {
        tenant: acme,
        version,
        fence: PLANNED,
        events,
        accepted: false,
    };
    match store.plan(owner, batch, at(ms)).await? {
        PlanResult::Done(mut planned) => Ok(planned.remove(0)),
        result => panic!("the version was asked for just now: {result:?}"),
    }
}

pub async fn claim(
    store: &RedisStore,
    owner: &Owner,
    limit: usize,
    ms: u64,
) -> Result<Vec<Claim>, StoreError> {
    let request = ClaimRequest {
        tenant: tenant("acme"),
        endpoint: endpoint_id("orders"),
        limit,
    };
    store.claim(owner, &[request], at(ms)).await
}

pub async fn all(store: &RedisStore) -> Vec<Delivery> {
    let filter = DeliveryFilter::default();
    store
        .deliveries(&tenant("acme"), &filter, None, 1000)
        .await
        .unwrap()
        .items
}
