//! Tests of a server at `maxmemory`, which rejects each call as a whole.

use std::collections::BTreeMap;

use webhook_model::DeliveryState::{InFlight, Pending};
use webhook_model::{DeliveryId, EventId, Millis, Owner, Rejected, Source};
use webhook_store::redis::RedisStore;
use webhook_store::{
    DeliveryFilter, InitialState, Leases, NextState, Outcome, Planned, Queries, Queue,
    ReplayBodies, StoreError, Tenants,
};

use crate::world::{World, all, at, claim, endpoint, endpoint_id, owner, plan, success, tenant};

async fn fill(world: &World) {
    world.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
}

async fn make_room(world: &World) {
    world.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
}

/// Returns every key with its value.
async fn dump(world: &World) -> BTreeMap<String, Vec<u8>> {
    let keys = world.command(&["KEYS", "*"]).await;
    let keys: Vec<String> = redis::from_redis_value(keys).unwrap();
    let mut all = BTreeMap::new();
    for key in keys {
        let value = world.command(&["DUMP", &key]).await;
        all.insert(key, redis::from_redis_value(value).unwrap());
    }
    all
}

async fn claimed(store: &RedisStore, owner: &Owner, id: &str) -> DeliveryId {
    let planned = plan(store, owner, id, InitialState::Claimed, 1)
        .await
        .unwrap();
    let Planned::New { claimed } = planned else {
        panic!("{planned:?}")
    };
    claimed[0].clone()
}

#[tokio::test]
async fn a_sole_sender_records_its_outcomes_once_a_full_server_has_room() {
    let world = World::new().await;
    let a = owner("a");
    let store = world.store(&a).await;
    let id = claimed(&store, &a, "e").await;
    let outcome = success(&tenant("acme"), &id, "orders");
    fill(&world).await;
    // Longer than the lease, which ended at 10,000.
    for ms in [5_000, 11_000, 20_000] {
        store.renew(&a, at(ms), at(ms + 10_000)).await.unwrap_err();
        assert_eq!(store.recover(&a, at(ms)).await.unwrap(), 0);
        let outcomes = std::slice::from_ref(&outcome);
        store.complete(&a, outcomes, at(ms)).await.unwrap_err();
    }
    assert_eq!(all(&store).await[0].state, InFlight);
    make_room(&world).await;
    store.renew(&a, at(21_000), at(31_000)).await.unwrap();
    let recorded = store.complete(&a, &[outcome], at(21_000)).await;
    assert_eq!(recorded.unwrap(), [true]);
    assert_eq!(store.due(at(99_000)).await.unwrap(), (vec![], None));
}

#[tokio::test]
async fn no_lease_is_ended_while_none_can_be_renewed() {
    let world = World::new().await;
    let (a, b) = (owner("a"), owner("b"));
    let (one, other) = (world.store(&a).await, world.store(&b).await);
    let id = claimed(&one, &a, "e").await;
    other.renew(&b, at(1), at(90_000)).await.unwrap();
    fill(&world).await;
    other.recover(&b, at(20_000)).await.unwrap_err();
    make_room(&world).await;
    one.renew(&a, at(20_001), at(30_000)).await.unwrap();
    assert_eq!(other.recover(&b, at(20_002)).await.unwrap(), 0);
    let outcome = success(&tenant("acme"), &id, "orders");
    let recorded = one.complete(&a, &[outcome], at(20_003)).await;
    assert_eq!(recorded.unwrap(), [true]);
}

/// Asserts that a call was rejected and changed nothing.
async fn assert_refused<T>(
    world: &World,
    call: &str,
    result: impl Future<Output = Result<T, StoreError>>,
) {
    let before = dump(world).await;
    let Err(StoreError::Unavailable { detail, .. }) = result.await else {
        panic!("`{call}` was not refused");
    };
    assert!(
        detail.contains("OOM") || detail.contains("maxmemory"),
        "{detail}"
    );
    assert_eq!(dump(world).await, before, "`{call}` has changed something");
}

#[tokio::test]
async fn a_full_server_rejects_every_change_as_a_whole() {
    let world = World::new().await;
    let (a, b) = (owner("a"), owner("b"));
    let (one, other) = (world.store(&a).await, world.store(&b).await);
    let acme = tenant("acme");
    other.renew(&b, at(1), at(90_000)).await.unwrap();
    let id = claimed(&one, &a, "flying").await;
    for (id, start) in [
        ("due", InitialState::Due(at(2))),
        ("ahead", InitialState::Due(at(70_000))),
        ("dead", InitialState::Dead("no".into())),
    ] {
        plan(&one, &a, id, start, 1).await.unwrap();
    }
    let idle = tenant("idle");
    one.put_tenant(&idle).await.unwrap();
    world
        .command(&["ZADD", "ws:{*}:due", "1800000000001", "idle"])
        .await;

    fill(&world).await;
    let outcome = |next| Outcome {
        next,
        ..success(&acme, &id, "orders")
    };
    let outcomes = [
        NextState::Succeeded,
        NextState::Due(at(9)),
        NextState::Dead("no".into()),
    ]
    .map(outcome);
    for outcome in outcomes {
        let outcomes = std::slice::from_ref(&outcome);
        assert_refused(&world, "complete", one.complete(&a, outcomes, at(5))).await;
    }
    let c = owner("c");
    let again = Owner {
        incarnation: "again".into(),
        ..a.clone()
    };
    let orders = endpoint_id("orders");
    let new = endpoint(&acme, "new");
    let filter = DeliveryFilter::default();
    let rejected = Rejected {
        id: "1-0".into(),
        tenant: None,
        at: at(1),
        source: Source::named("stream"),
        code: "unreadable".into(),
        reason: "no".into(),
        fields: vec![],
    };
    assert_refused(&world, "enter", one.acquire_lease(&c, at(5), at(99))).await;
    assert_refused(
        &world,
        "take over",
        one.acquire_lease(&again, at(60_000), at(99_000)),
    )
    .await;
    assert_refused(&world, "renew", one.renew(&a, at(5), at(99))).await;
    assert_refused(&world, "recover", other.recover(&b, at(60_000))).await;
    assert_refused(&world, "leave", one.release_lease(&a, at(5))).await;
    assert_refused(&world, "put_endpoint", one.put_endpoint(&new, None)).await;
    assert_refused(
        &world,
        "delete_endpoint",
        one.delete_endpoint(&acme, &orders, at(5)),
    )
    .await;
    assert_refused(&world, "delete_tenant", one.delete_tenant(&acme)).await;
    assert_refused(&world, "put_tenant", one.put_tenant(&tenant("new"))).await;
    assert_refused(
        &world,
        "plan",
        plan(&one, &a, "e", InitialState::Claimed, 5),
    )
    .await;
    assert_refused(
        &world,
        "plan",
        plan(&one, &a, "e", InitialState::Due(at(5)), 5),
    )
    .await;
    assert_refused(&world, "reject", one.reject(&[rejected])).await;
    assert_refused(&world, "claim", claim(&one, &a, 10, 5)).await;
    assert_refused(&world, "due", one.due(at(5))).await;
    assert_refused(
        &world,
        "replay",
        one.replay(&acme, &filter, ReplayBodies::Kept, at(5)),
    )
    .await;
    assert_refused(&world, "rewind", one.rewind(at(5))).await;

    make_room(&world).await;
    assert_eq!(claim(&one, &a, 10, 5).await.unwrap().len(), 1);
    let event = EventId::parse("due").unwrap();
    let found = one.event(&acme, &event).await.unwrap();
    assert!(found.is_some());
    let pending = all(&one).await;
    let pending = pending.iter().filter(|one| one.state == Pending);
    assert_eq!(pending.count(), 1);
    assert!(!one.prune(Millis(0), Millis(0)).await.unwrap());
}
