//! Tests of several processes on one server.

use futures::FutureExt;
use test_support::with_timeout;
use webhook_model::DeliveryState;
use webhook_store::{InitialState, Leases, Planned, Queue, StoreError, Tenants};

use crate::world::{World, all, at, claim, endpoint, owner, plan, success, tenant};

#[tokio::test]
async fn a_process_is_woken_when_another_makes_a_delivery_due() {
    let world = World::new().await;
    let (a, b) = (owner("a"), owner("b"));
    let (one, other) = (world.store(&a).await, world.store(&b).await);
    // A new subscription wakes once.
    with_timeout(other.wait_for_work(), || "the listener".into()).await;
    with_timeout(one.wait_for_work(), || "the listener".into()).await;
    plan(&one, &a, "e", InitialState::Due(at(5)), 1)
        .await
        .unwrap();
    with_timeout(other.wait_for_work(), || "the wake".into()).await;
    assert_eq!(other.due(at(1)).await.unwrap(), (vec![], Some(at(5))));
    assert_eq!(claim(&other, &b, 10, 5).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_process_is_woken_by_claims_that_it_recovers() {
    let world = World::new().await;
    let (a, b) = (owner("a"), owner("b"));
    let (one, other) = (world.store(&a).await, world.store(&b).await);
    with_timeout(other.wait_for_work(), || "the listener".into()).await;
    plan(&one, &a, "e", InitialState::Claimed, 1).await.unwrap();
    other.renew(&b, at(9_000), at(30_000)).await.unwrap();
    assert!(
        other.wait_for_work().now_or_never().is_none(),
        "nothing is due"
    );
    assert_eq!(other.recover(&b, at(10_001)).await.unwrap(), 1);
    assert!(other.wait_for_work().now_or_never().is_some());
}

#[tokio::test]
async fn deliveries_of_a_dead_process_go_to_another_and_its_outcomes_are_fenced() {
    let world = World::new().await;
    let (a, b) = (owner("a"), owner("b"));
    let (one, other) = (world.store(&a).await, world.store(&b).await);
    let Planned::New { claimed } = plan(&one, &a, "e", InitialState::Claimed, 1).await.unwrap()
    else {
        panic!("it is new");
    };
    other.renew(&b, at(9_000), at(30_000)).await.unwrap();
    assert_eq!(other.recover(&b, at(10_001)).await.unwrap(), 1);
    assert_eq!(claim(&other, &b, 10, 10_001).await.unwrap().len(), 1);

    // The process was only slow. It does not know of the lost lease, and plans again.
    let outcome = success(&tenant("acme"), &claimed[0], "orders");
    assert_eq!(
        one.complete(&a, &[outcome], at(10_002)).await.unwrap(),
        [false]
    );
    plan(&one, &a, "late", InitialState::Claimed, 10_002)
        .await
        .unwrap();
    let lost = one.renew(&a, at(10_003), at(30_000)).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost(_))), "{lost:?}");
    // Recovery finds its claims without a lease.
    assert_eq!(other.recover(&b, at(10_004)).await.unwrap(), 1);
    assert_eq!(claim(&other, &b, 10, 10_004).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_new_process_is_not_mistaken_for_a_dead_one() {
    let world = World::new().await;
    let old = owner("old");
    let store = world.store(&old).await;
    let recovering = async {
        for _ in 0..200 {
            assert_eq!(store.recover(&old, at(1)).await.unwrap(), 0);
        }
    };
    let entering = async {
        for number in 0..50 {
            let owner = owner(&format!("new {number}"));
            let newcomer = world.bare_store();
            newcomer
                .acquire_lease(&owner, at(0), at(10_000))
                .await
                .unwrap();
            plan(
                &newcomer,
                &owner,
                &format!("e{number}"),
                InitialState::Claimed,
                1,
            )
            .await
            .unwrap();
        }
    };
    tokio::join!(recovering, entering);
    let all = all(&store).await;
    assert_eq!(all.len(), 50);
    assert!(
        all.iter()
            .all(|delivery| delivery.state == DeliveryState::InFlight)
    );
}

#[tokio::test]
async fn lost_hints_are_restored() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    plan(&store, &owner, "e", InitialState::Due(at(5)), 1)
        .await
        .unwrap();
    world.command(&["DEL", "ws:{*}:due"]).await;
    assert_eq!(store.due(at(9)).await.unwrap(), (vec![], None));
    store.recover(&owner, at(9)).await.unwrap();
    assert_eq!(store.due(at(9)).await.unwrap().0.len(), 1);
}

#[tokio::test]
async fn an_interrupted_deletion_is_completed() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    plan(&store, &owner, "e", InitialState::Due(at(5)), 1)
        .await
        .unwrap();
    // The state after a process died between the first and the second step.
    world.command(&["SET", "ws:{acme}:gone", "1"]).await;
    world.command(&["DEL", "ws:{acme}:t"]).await;
    world.command(&["HSET", "ws:{*}:t", "acme", "0"]).await;
    store.recover(&owner, at(9)).await.unwrap();
    let redis::Value::Array(keys) = world.command(&["KEYS", "ws:{acme}:*"]).await else {
        panic!()
    };
    assert_eq!(keys, []);
    assert!(store.put_tenant(&tenant("acme")).await.unwrap());
}

#[tokio::test]
async fn a_removed_tenant_leaves_no_key() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    let acme = tenant("acme");
    let off = webhook_model::Endpoint {
        enabled: false,
        ..endpoint(&acme, "off")
    };
    store.put_endpoint(&off, None).await.unwrap();
    for (number, start) in [
        InitialState::Claimed,
        InitialState::Due(at(5)),
        InitialState::Dead("no".into()),
    ]
    .into_iter()
    .enumerate()
    {
        plan(&store, &owner, &format!("e{number}"), start, 1)
            .await
            .unwrap();
    }
    assert!(store.delete_tenant(&acme).await.unwrap());
    let redis::Value::Array(keys) = world.command(&["KEYS", "*acme*"]).await else {
        panic!()
    };
    assert_eq!(keys, []);
}

#[tokio::test]
async fn two_processes_claim_each_delivery_once() {
    let world = World::new().await;
    let (a, b) = (owner("a"), owner("b"));
    let (one, other) = (world.store(&a).await, world.store(&b).await);
    for number in 0..200 {
        plan(&one, &a, &format!("e{number}"), InitialState::Due(at(1)), 1)
            .await
            .unwrap();
    }
    let mut ids = Vec::new();
    loop {
        let (mine, theirs) = tokio::join!(claim(&one, &a, 7, 1), claim(&other, &b, 5, 1));
        let claims = [mine.unwrap(), theirs.unwrap()].concat();
        if claims.is_empty() {
            break;
        }
        ids.extend(claims.into_iter().map(|claim| claim.id));
    }
    ids.sort();
    let before = ids.len();
    ids.dedup();
    assert_eq!((before, ids.len()), (200, 200));
}
