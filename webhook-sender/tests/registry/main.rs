//! The registry with a store that loses its content, completely or in part.

use std::collections::HashSet;
use std::sync::Arc;

use redis_link::Address;
use test_support::redis::{Fsync, RedisServer};
use webhook_model::{Endpoint, Millis, TenantId};
use webhook_sender::registry::Registry;
use webhook_store::redis::RedisStore;
use webhook_store::{Store, StoreError, Tenants};

struct World {
    server: RedisServer,
}

impl World {
    async fn new() -> Self {
        Self {
            server: RedisServer::start(Fsync::EverySecond).await,
        }
    }

    /// Creates a store with tenant `acme` and its endpoint `orders`.
    async fn store(&self) -> RedisStore {
        let store = RedisStore::new(Address::parse(&self.server.url()).unwrap());
        store.put_tenant(&tenant("acme")).await.unwrap();
        let orders = endpoint(&tenant("acme"), "orders");
        store.put_endpoint(&orders, None).await.unwrap();
        store
    }

    async fn command(&self, words: &[&str]) {
        let client = redis::Client::open(self.server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.exec_async(&mut connection).await.unwrap();
    }
}

fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

fn endpoint(tenant: &TenantId, id: &str) -> Endpoint {
    test_fixtures::endpoint(tenant, id, Millis(1_800_000_000_000))
}

async fn registry(world: &World) -> (Arc<dyn Store>, Registry) {
    let store: Arc<dyn Store> = Arc::new(world.store().await);
    store.identify().await.unwrap();
    let registry = Registry::new(store.clone());
    registry.declare(HashSet::from([tenant("acme")]));
    assert!(registry.tenant(&tenant("acme")).await.unwrap().is_some());
    (store, registry)
}

/// Returns the number of endpoints of a tenant, after a reload of the registry.
async fn endpoints(registry: &Registry) -> Option<usize> {
    match registry.reload(&tenant("acme")).await {
        Ok(loaded) => Some(loaded.map_or(0, |loaded| loaded.endpoints.len())),
        Err(StoreError::ContentLost) => None,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn restored_content_is_used_only_once_it_is_complete() {
    let world = World::new().await;
    let (store, registry) = registry(&world).await;
    world.command(&["FLUSHALL"]).await;
    assert_eq!(endpoints(&registry).await, None);
    registry.content_lost().await;
    store.put_tenant(&tenant("acme")).await.unwrap();
    for id in ["one", "two"] {
        assert_eq!(endpoints(&registry).await, None, "`{id}` is still missing");
        let endpoint = endpoint(&tenant("acme"), id);
        store.put_endpoint(&endpoint, None).await.unwrap();
    }
    store.identify().await.unwrap();
    assert_eq!(endpoints(&registry).await, Some(2));
    // Independent of the versions before the loss.
    registry.refresh().await.unwrap();
    assert_eq!(registry.endpoints().len(), 2);
}

#[tokio::test]
async fn a_missing_tenant_and_a_lower_version_are_detected_as_lost_content() {
    let world = World::new().await;
    let (store, registry) = registry(&world).await;
    let before = store.identity().await.unwrap();
    // As after a failover to a replica that lacks the last writes.
    world.command(&["HSET", "ws:{acme}:t", ":v", "0"]).await;
    assert_eq!(endpoints(&registry).await, None);
    assert_eq!(
        store.identity().await.unwrap(),
        None,
        "other processes detect it"
    );
    store.identify().await.unwrap();
    assert_ne!(store.identity().await.unwrap(), before);
    assert!(endpoints(&registry).await.is_some());

    // As if one node of a cluster had lost its tenants.
    world.command(&["DEL", "ws:{acme}:t"]).await;
    assert_eq!(endpoints(&registry).await, None);
}
