//! Tests of servers that stop, restart, flush their scripts or reject commands.

use webhook_model::DeliveryState;
use webhook_store::{InitialState, Leases, Planned, Queries, Queue, StoreError};

use crate::world::{World, all, at, claim, owner, plan, success, tenant};

fn unavailable(result: Result<impl std::fmt::Debug, StoreError>) -> String {
    match result {
        Err(StoreError::Unavailable { detail, .. }) => detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stopped_server_is_unavailable_until_it_restarts() {
    let mut world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    let planned = plan(&store, &owner, "e", InitialState::Claimed, 1)
        .await
        .unwrap();
    let Planned::New { claimed } = planned else {
        panic!("{planned:?}")
    };
    for _ in 0..2 {
        world.server.kill();
        unavailable(store.ping().await);
        unavailable(store.due(at(1)).await);
        world.server.restart().await;
        // A restart loses the scripts, but no leases and deliveries.
        store.ping().await.unwrap();
        store.renew(&owner, at(2), at(20_000)).await.unwrap();
    }
    let outcome = success(&tenant("acme"), &claimed[0], "orders");
    assert_eq!(
        store.complete(&owner, &[outcome], at(3)).await.unwrap(),
        [true]
    );
    let delivery = store
        .delivery(&tenant("acme"), &claimed[0])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (delivery.state, delivery.attempts.len()),
        (DeliveryState::Succeeded, 1)
    );
}

#[tokio::test]
async fn scripts_that_were_flushed_are_sent_again() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    for number in 0..3 {
        world.command(&["SCRIPT", "FLUSH"]).await;
        let id = format!("e{number}");
        plan(&store, &owner, &id, InitialState::Due(at(1)), 1)
            .await
            .unwrap();
    }
    assert_eq!(claim(&store, &owner, 10, 1).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_read_only_server_is_unavailable_with_its_own_error() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    world.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let detail = unavailable(store.ping().await);
    assert!(
        detail.contains("READONLY") || detail.contains("read only"),
        "{detail}"
    );
    unavailable(plan(&store, &owner, "e", InitialState::Claimed, 1).await);
    world.command(&["REPLICAOF", "NO", "ONE"]).await;
    plan(&store, &owner, "e", InitialState::Claimed, 1)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_server_keeps_all_of_a_batch_or_nothing() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    plan(&store, &owner, "before", InitialState::Claimed, 1)
        .await
        .unwrap();
    world.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let detail = unavailable(store.ping().await);
    assert!(
        detail.contains("OOM") || detail.contains("maxmemory"),
        "{detail}"
    );
    unavailable(plan(&store, &owner, "e", InitialState::Claimed, 1).await);
    assert_eq!(all(&store).await.len(), 1);
    world.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let planned = plan(&store, &owner, "e", InitialState::Claimed, 1)
        .await
        .unwrap();
    assert!(matches!(planned, Planned::New { .. }), "{planned:?}");
}

#[tokio::test]
async fn a_password_is_not_in_an_error() {
    let mut world = World::new().await;
    let url = format!("redis://:hunter2@127.0.0.1:{}", world.server.port());
    let store = world.store_at(&url);
    // The server has no password configured, and rejects one.
    let refused = unavailable(store.ping().await);
    world.server.kill();
    let gone = store.ping().await.unwrap_err().to_string();
    for text in [refused, gone] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
