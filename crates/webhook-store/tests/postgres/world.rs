//! Helpers for stores in PostgreSQL.

use std::time::Duration;

use test_support::postgres::{PostgresServer, shared_url};
use test_support::with_timeout;
use webhook_model::{
    Attempt, DeliveryId, EndpointId, Event, EventId, Exchange, Millis, Owner, Source, TenantId,
};
use webhook_store::postgres::{Address, PostgresStore};
use webhook_store::{
    ClaimRequest, Fence, InitialState, Leases, NewDelivery, NextState, Outcome, PlanBatch,
    PlanResult, PlannedEvent, Queue, StoreError, Tenants,
};

pub fn at(ms: u64) -> Millis {
    Millis(1_800_000_000_000 + ms)
}

pub fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

pub fn orders() -> EndpointId {
    EndpointId::parse("orders").unwrap()
}

pub fn delivery_id(event: &str) -> DeliveryId {
    DeliveryId::of(&acme(), &EventId::parse(event).unwrap(), &orders())
}

/// Returns an owner on another host, which is not known to be gone.
pub fn owner(name: &str) -> Owner {
    Owner {
        host: format!("machine of {name}"),
        ..Owner::this_process(name)
    }
}

pub fn address(url: &str) -> Address {
    Address::parse(url).unwrap()
}

pub async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(address(url)).await.unwrap()
}

/// Returns an address of a new schema on the server that the tests share.
pub async fn shared() -> String {
    shared_url().await
}

/// Adds a tenant `acme` with its endpoint `orders`, and a lease of `owner`.
pub async fn set_up(store: &PostgresStore, owner: &Owner) {
    store
        .acquire_lease(owner, at(0), at(1_000_000))
        .await
        .unwrap();
    store.put_tenant(&acme()).await.unwrap();
    let orders = test_fixtures::endpoint(&acme(), "orders", at(0));
    store.put_endpoint(&orders, None).await.unwrap();
}

pub fn event(id: &str) -> Event {
    Event {
        id: EventId::parse(id).unwrap(),
        kind: "order.shipped".into(),
        data: format!(r#"{{"id":"{id}"}}"#).into(),
        at: at(0),
        ordering_key: None,
        source: Source::API,
    }
}

/// Returns an event with one delivery to `orders`.
pub fn planned(event: Event, start: InitialState) -> PlannedEvent {
    let delivery = NewDelivery {
        id: DeliveryId::of(&acme(), &event.id, &orders()),
        endpoint: orders(),
        body: None,
        ordered: false,
        start,
    };
    PlannedEvent {
        event,
        deliveries: vec![delivery],
    }
}

/// Plans events of `acme`, under a claim that is returned.
pub async fn plan(
    store: &PostgresStore,
    owner: &Owner,
    events: Vec<PlannedEvent>,
) -> Result<Fence, StoreError> {
    let (version, _) = store.endpoints(&acme()).await?.unwrap();
    let fence = Fence::new(at(1));
    let batch = PlanBatch {
        tenant: acme(),
        version,
        fence,
        events,
        accepted: false,
    };
    match store.plan(owner, batch, at(1)).await? {
        PlanResult::Done(_) => Ok(fence),
        other => panic!("the version was asked for just now: {other:?}"),
    }
}

pub fn request(limit: usize) -> ClaimRequest {
    ClaimRequest {
        tenant: acme(),
        endpoint: orders(),
        limit,
    }
}

pub fn success(id: DeliveryId, fence: Fence) -> Outcome {
    let attempt = Attempt {
        at: at(1),
        status: Some(200),
        error: None,
        phase: None,
        duration_ms: 3,
        exchange: Exchange::of_text("ok"),
    };
    Outcome {
        tenant: acme(),
        id,
        endpoint: orders(),
        fence,
        attempt: Some(attempt),
        next: NextState::Succeeded,
    }
}

/// Returns the text of an unavailable store.
pub fn unavailable<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Unavailable { detail, .. }) => detail,
        other => panic!("{other:?}"),
    }
}

/// Repeats a call while the store is unavailable, as the sender does.
pub async fn retried<T>(mut call: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    let repeated = async {
        loop {
            match call().await {
                Err(StoreError::Unavailable { .. }) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                done => return done.unwrap(),
            }
        }
    };
    with_timeout(repeated, || "the store".into()).await
}

/// Returns the URL of a server for a user with this password.
pub fn url_as(server: &PostgresServer, user: &str, password: &str) -> String {
    format!("postgres://{user}:{password}@{}/postgres", server.address())
}
