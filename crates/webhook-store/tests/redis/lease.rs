//! Tests of a process's lease on a real server that stops and restarts.

use std::sync::Arc;
use std::time::Duration;

use test_support::with_timeout;
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;
use webhook_model::DeliveryState::InFlight;
use webhook_store::{InitialState, Lease, Leases, Planned, Queue};

use crate::world::{World, all, at, owner, plan, success, tenant};

async fn until(what: &str, ready: impl Fn() -> bool) {
    let become_ready = async {
        while !ready() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    with_timeout(become_ready, || what.to_owned()).await;
}

#[tokio::test]
async fn a_single_sender_continues_after_an_outage_longer_than_its_lease() {
    let mut world = World::new().await;
    // This lease is only for creating the tenant and its endpoint.
    let _ = world.store(&owner("other")).await;
    let store = Arc::new(world.bare_store());
    let length = Duration::from_millis(400);
    let a = owner("a");
    let lease = Lease::acquire(store.clone(), Clock::system(), a.clone(), length)
        .await
        .unwrap();
    let Planned::New { claimed } = plan(&store, &a, "e", InitialState::Claimed, 1)
        .await
        .unwrap()
    else {
        panic!("it is new")
    };
    world.server.kill();
    until("the end of the lease", || !lease.covers(&a, Duration::ZERO)).await;
    world.server.restart().await;
    let stop = CancellationToken::new();
    let keeping = tokio::spawn({
        let (lease, stop) = (lease.clone(), stop.clone());
        async move { lease.keep(stop).await }
    });
    until("a renewal", || lease.covers(&a, Duration::ZERO)).await;
    let time = store.time().await.unwrap().unwrap();
    assert_eq!(store.recover(&a, time.after(length)).await.unwrap(), 0);
    assert_eq!(all(&store).await[0].state, InFlight);
    let outcome = success(&tenant("acme"), &claimed[0], "orders");
    let recorded = store.complete(&lease.owner(), &[outcome], at(2)).await;
    assert_eq!(recorded.unwrap(), [true]);
    stop.cancel();
    keeping.await.unwrap();
}

#[tokio::test]
async fn after_an_outage_a_process_leaves_others_time_to_renew() {
    let world = World::new().await;
    let _ = world.store(&owner("other")).await;
    let (one, other) = (Arc::new(world.bare_store()), Arc::new(world.bare_store()));
    let length = Duration::from_millis(400);
    let (a, b) = (owner("a"), owner("b"));
    let mine = Lease::acquire(one.clone(), Clock::system(), a.clone(), length);
    let mine = mine.await.unwrap();
    plan(&one, &a, "e", InitialState::Claimed, 1).await.unwrap();
    until("the end of the lease", || !mine.covers(&a, Duration::ZERO)).await;
    // The other process reconnects first, and renews several times.
    let theirs = Lease::acquire(other.clone(), Clock::system(), b.clone(), length);
    let theirs = theirs.await.unwrap();
    let stop = CancellationToken::new();
    let keeping = tokio::spawn({
        let (theirs, stop) = (theirs.clone(), stop.clone());
        async move { theirs.keep(stop).await }
    });
    // One renewal of each, after which leases of others could be ended.
    let mut renewals = std::collections::HashSet::new();
    let renewed = async {
        while renewals.len() < 4 {
            let entry = world.command(&["HGET", "ws:{*}:o", &b.incarnation]).await;
            renewals.insert(format!("{entry:?}"));
        }
    };
    with_timeout(renewed, || "renewals of the other".into()).await;
    let time = one.time().await.unwrap().unwrap();
    one.renew(&a, time, time.after(Duration::from_secs(60)))
        .await
        .unwrap();
    assert_eq!(all(&one).await[0].state, InFlight);
    stop.cancel();
    keeping.await.unwrap();
}

#[tokio::test]
async fn a_process_recovers_deliveries_of_one_that_is_gone() {
    let world = World::new().await;
    let _ = world.store(&owner("other")).await;
    let (one, other) = (world.bare_store(), Arc::new(world.bare_store()));
    let (a, b) = (owner("a"), owner("b"));
    let time = one.time().await.unwrap().unwrap();
    one.acquire_lease(&a, time, time).await.unwrap();
    plan(&one, &a, "e", InitialState::Claimed, 1).await.unwrap();
    let length = Duration::from_secs(10);
    let lease = Lease::acquire(other.clone(), Clock::system(), b, length);
    let lease = lease.await.unwrap();
    let stop = CancellationToken::new();
    let keeping = tokio::spawn({
        let stop = stop.clone();
        async move { lease.keep(stop).await }
    });
    let taken_over = async {
        while all(&other).await[0].state == InFlight {
            other.wait_for_work().await;
        }
    };
    with_timeout(taken_over, || "the take-over".into()).await;
    stop.cancel();
    keeping.await.unwrap();
}
