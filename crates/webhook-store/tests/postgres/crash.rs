//! Servers that are killed, frozen and restarted.

use std::time::Duration;

use test_support::postgres::{Fsync, PostgresServer};
use webhook_model::{DeliveryState, EventId};
use webhook_store::{InitialState, Leases, Queries, Queue};

use crate::world::{
    acme, at, delivery_id, event, open, owner, plan, planned, retried, set_up, success, unavailable,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_has_everything_that_was_acknowledged() {
    let mut server = PostgresServer::start(Fsync::On).await;
    let store = open(&server.url()).await;
    let owner = owner("a");
    set_up(&store, &owner).await;
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        for n in 0..20 {
            let id = format!("e{round}-{n}");
            let events = vec![planned(event(&id), InitialState::Claimed)];
            let fence = retried(async || plan(&store, &owner, events.clone()).await).await;
            acknowledged.push((id, fence));
        }
        server.kill();
        unavailable(store.ping().await);
        unavailable(store.due(at(1)).await);
        server.restart().await;
        retried(async || store.ping().await).await;
        retried(async || store.renew(&owner, at(2), at(2_000_000)).await).await;
        for (id, fence) in acknowledged.drain(..) {
            let event = EventId::parse(&id).unwrap();
            assert!(
                store.event(&acme(), &event).await.unwrap().is_some(),
                "{id}"
            );
            let outcome = [success(delivery_id(&id), fence)];
            let recorded = store.complete(&owner, &outcome, at(3)).await;
            assert_eq!(recorded.unwrap(), [true], "{id}");
            let delivery = store.delivery(&acme(), &delivery_id(&id)).await.unwrap();
            assert_eq!(delivery.unwrap().state, DeliveryState::Succeeded);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_unavailable_within_the_deadline() {
    let server = PostgresServer::start(Fsync::Off).await;
    let store = open(&server.url()).await;
    store.ping().await.unwrap();
    server.stall();
    let ping = tokio::time::timeout(Duration::from_secs(60), store.ping()).await;
    server.unstall();
    let detail = unavailable(ping.expect("the call ends"));
    assert!(detail.contains("in time"), "{detail}");
    retried(async || store.ping().await).await;
}
