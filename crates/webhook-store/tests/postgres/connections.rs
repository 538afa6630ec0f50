//! Lost connections and missing ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use test_support::postgres::{Fsync, PostgresServer};
use test_support::with_timeout;
use webhook_model::DeliveryState;
use webhook_store::{DeliveryFilter, InitialState, Leases, Queries, Queue};

use crate::world::{
    acme, at, delivery_id, event, open, owner, plan, planned, retried, set_up, shared, success,
    unavailable,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_ended_at_random_lose_nothing() {
    const EVENTS: usize = 60;
    let url = format!("{}&application_name=ended_at_random", shared().await);
    let store = open(&url).await;
    let owner = owner("a");
    set_up(&store, &owner).await;
    let done = Arc::new(AtomicBool::new(false));
    let ending = tokio::spawn(end_connections(url.clone(), done.clone()));
    for n in 0..EVENTS {
        let id = format!("e{n}");
        retried(async || {
            let events = vec![planned(event(&id), InitialState::Due(at(1)))];
            plan(&store, &owner, events).await
        })
        .await;
        retried(async || {
            // Returns the claims whose reply was lost.
            store.renew(&owner, at(1), at(1_000_000)).await?;
            let claims = store
                .claim(&owner, &[crate::world::request(10)], at(2))
                .await?;
            let outcomes: Vec<_> = claims
                .into_iter()
                .map(|claim| success(claim.id, claim.fence))
                .collect();
            retried(async || store.complete(&owner, &outcomes, at(3)).await).await;
            Ok(())
        })
        .await;
    }
    done.store(true, Ordering::SeqCst);
    assert!(ending.await.unwrap() > 0, "no connection was ended");
    let finished = async {
        loop {
            retried(async || store.renew(&owner, at(1), at(1_000_000)).await).await;
            let claims = retried(async || {
                store
                    .claim(&owner, &[crate::world::request(10)], at(2))
                    .await
            });
            for claim in claims.await {
                let outcomes = [success(claim.id, claim.fence)];
                retried(async || store.complete(&owner, &outcomes, at(3)).await).await;
            }
            let filter = DeliveryFilter {
                state: Some(DeliveryState::Succeeded),
                ..DeliveryFilter::default()
            };
            let all = retried(async || store.deliveries(&acme(), &filter, None, 1_000).await);
            let all = all.await;
            if all.items.len() == EVENTS {
                return all.items;
            }
        }
    };
    let all = with_timeout(finished, || "every delivery".into()).await;
    assert!(all.iter().all(|delivery| delivery.attempts.len() == 1));
}

/// Ends the store's connections again and again. Returns the number of ended ones.
async fn end_connections(url: String, done: Arc<AtomicBool>) -> i64 {
    let server = url.split_once('?').unwrap().0;
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = 'ended_at_random' AND random() < 0.3";
    let mut count = 0;
    while !done.load(Ordering::SeqCst) {
        count += client.query_one(end, &[]).await.unwrap().get::<_, i64>(0);
        tokio::time::sleep(std::time::Duration::from_millis(15)).await;
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_free_connection_is_unavailable_until_there_is_one() {
    let settings = ["max_connections=6", "superuser_reserved_connections=0"];
    let server = PostgresServer::start_with(Fsync::Off, &settings).await;
    let store = open(&server.url()).await;
    let owner = owner("a");
    set_up(&store, &owner).await;
    let mut taken = Vec::new();
    while let Ok((client, connection)) =
        tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await
    {
        taken.push((client, tokio::spawn(connection)));
        assert!(taken.len() < 20, "the server has a limit");
    }
    // The connection of the pool still works.
    let events = vec![planned(event("a"), InitialState::Claimed)];
    plan(&store, &owner, events).await.unwrap();
    // Another process gets none.
    let second = webhook_store::postgres::PostgresStore::open(crate::world::address(&server.url()));
    let error = second.await.map(drop).unwrap_err().to_string();
    assert!(error.contains("too many clients"), "{error}");
    // Of calls at once, those that need another connection fail.
    let pings = futures::future::join_all((0..20).map(|_| store.ping())).await;
    let failed: Vec<_> = pings.into_iter().filter(|ping| ping.is_err()).collect();
    for ping in failed {
        let detail = unavailable(ping);
        assert!(detail.contains("too many clients"), "{detail}");
    }
    drop(taken);
    retried(async || {
        let pings = futures::future::join_all((0..4).map(|_| store.ping())).await;
        pings.into_iter().collect::<Result<Vec<_>, _>>()
    })
    .await;
    let delivery = store.delivery(&acme(), &delivery_id("a")).await.unwrap();
    assert_eq!(delivery.unwrap().state, DeliveryState::InFlight);
}
