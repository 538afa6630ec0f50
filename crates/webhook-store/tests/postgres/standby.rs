//! A streaming standby, and its promotion.

use test_support::postgres::{Fsync, PostgresServer};
use test_support::with_timeout;
use webhook_model::{DeliveryState, EventId};
use webhook_store::postgres::{OpenError, PostgresStore};
use webhook_store::{InitialState, Leases, Queries, Queue};

use crate::world::{
    acme, address, at, delivery_id, event, open, owner, plan, planned, retried, set_up, success,
    unavailable,
};

/// Makes commits on the primary wait for the standby.
async fn commit_synchronously(primary: &PostgresServer) {
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql("SELECT pg_reload_conf()");
    let streaming = async {
        let state =
            "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')";
        while primary.sql(state) != "1" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    with_timeout(streaming, || "a synchronous standby".into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_standby_has_everything_that_was_committed() {
    let mut primary = PostgresServer::start(Fsync::On).await;
    let standby = primary.start_standby().await;
    commit_synchronously(&primary).await;
    // The standby is read-only, and names itself.
    let empty = format!("{}?schema=not_there", standby.url());
    let refused = PostgresStore::open(address(&empty)).await.map(drop);
    let error = refused.unwrap_err();
    assert!(matches!(error, OpenError::Standby { .. }), "{error}");

    let both = format!(
        "postgres://postgres@{},{}/postgres?target_session_attrs=read-write",
        primary.address(),
        standby.address()
    );
    let store = open(&both).await;
    let owner = owner("a");
    set_up(&store, &owner).await;
    let mut fences = Vec::new();
    for n in 0..30 {
        let events = vec![planned(event(&format!("e{n}")), InitialState::Claimed)];
        fences.push(plan(&store, &owner, events).await.unwrap());
    }
    primary.kill();
    unavailable(store.ping().await);
    standby.promote();
    standby.sql("ALTER SYSTEM SET synchronous_standby_names = ''");
    standby.sql("SELECT pg_reload_conf()");
    retried(async || store.ping().await).await;
    retried(async || store.renew(&owner, at(2), at(2_000_000)).await).await;
    for (n, fence) in fences.into_iter().enumerate() {
        let id = format!("e{n}");
        let kept = store.event(&acme(), &EventId::parse(&id).unwrap()).await;
        assert!(kept.unwrap().is_some(), "{id}");
        let outcome = [success(delivery_id(&id), fence)];
        let recorded = store.complete(&owner, &outcome, at(3)).await.unwrap();
        assert_eq!(recorded, [true], "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_server_is_unavailable_and_can_still_be_read() {
    let server = PostgresServer::start(Fsync::Off).await;
    let store = open(&server.url()).await;
    let owner = owner("a");
    set_up(&store, &owner).await;
    let events = vec![planned(event("e"), InitialState::Due(at(1)))];
    plan(&store, &owner, events).await.unwrap();
    server.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    server.sql("SELECT pg_reload_conf()");
    let read_only = async {
        loop {
            if let Err(error) = store.ping().await {
                return error.to_string();
            }
        }
    };
    let error = with_timeout(read_only, || "a read-only server".into()).await;
    assert!(error.contains("read-only transaction"), "{error}");
    let claims = store
        .claim(&owner, &[crate::world::request(1)], at(2))
        .await;
    unavailable(claims);
    let delivery = store.delivery(&acme(), &delivery_id("e")).await.unwrap();
    assert_eq!(delivery.unwrap().state, DeliveryState::Pending);
    server.sql("ALTER SYSTEM RESET default_transaction_read_only");
    server.sql("SELECT pg_reload_conf()");
    retried(async || store.ping().await).await;
    let claims = store
        .claim(&owner, &[crate::world::request(1)], at(2))
        .await;
    assert_eq!(claims.unwrap().len(), 1);
}
