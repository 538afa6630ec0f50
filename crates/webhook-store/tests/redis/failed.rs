//! Tests of the lists of deliveries whose last attempt failed.

use webhook_model::{Attempt, Delivery, DeliveryId, EventId, Phase};
use webhook_store::redis::RedisStore;
use webhook_store::{
    Claim, DeliveryFilter, InitialState, NextState, Outcome, Queries, Queue, ReplayBodies, Tenants,
};

use crate::world::{World, all, at, claim, endpoint_id, owner, plan, success, tenant};

/// Returns the ids of the events whose deliveries failed with 503, page by page.
async fn failed(store: &RedisStore, limit: usize) -> Vec<String> {
    let filter = DeliveryFilter {
        status: Some("503".parse().unwrap()),
        ..DeliveryFilter::default()
    };
    let (mut listed, mut cursor, acme) = (Vec::new(), None, tenant("acme"));
    loop {
        let page = store.deliveries(&acme, &filter, cursor.as_ref(), limit);
        let page = page.await.unwrap();
        listed.extend(page.items.into_iter().map(|it| it.event.to_string()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return listed;
        }
    }
}

/// Returns the outcome of a claim: an attempt with this status, after which it is due at 9.
fn outcome(claim: &Claim, status: u16) -> Outcome {
    let succeeded = success(&claim.tenant, &claim.id, claim.endpoint.as_str());
    if status == 200 {
        return Outcome {
            fence: claim.fence,
            ..succeeded
        };
    }
    let attempt = succeeded.attempt.map(|attempt| Attempt {
        status: Some(status),
        error: Some(format!("responded {status}")),
        phase: Some(Phase::Respond),
        ..attempt
    });
    Outcome {
        fence: claim.fence,
        attempt,
        next: NextState::Due(at(9)),
        ..succeeded
    }
}

/// Plans a delivery of an event, which fails with 503.
async fn fail(store: &RedisStore, owner: &webhook_model::Owner, event: &str, ms: u64) {
    plan(store, owner, event, InitialState::Due(at(ms)), ms)
        .await
        .unwrap();
    attempt(store, owner, ms, 503).await;
}

/// Makes an attempt of all due deliveries, which have this result.
async fn attempt(store: &RedisStore, owner: &webhook_model::Owner, ms: u64, status: u16) {
    let claims = claim(store, owner, 9, ms).await.unwrap();
    let outcomes: Vec<_> = claims.iter().map(|it| outcome(it, status)).collect();
    let recorded = store.complete(owner, &outcomes, at(ms)).await.unwrap();
    assert!(recorded.iter().all(|recorded| *recorded));
}

fn key_of(event: &str) -> String {
    let (acme, event) = (tenant("acme"), EventId::parse(event).unwrap());
    let id = DeliveryId::of(&acme, &event, &endpoint_id("orders"));
    format!("ws:{{acme}}:d:{id}")
}

/// Makes the store one that an earlier version wrote: without the lists, and without flags in records.
async fn turn_back(world: &World, events: &[&str]) {
    world
        .command(&["DEL", "ws:{acme}:f:orders", "ws:{acme}:fs"])
        .await;
    for event in events {
        let flags = ["GETRANGE", &key_of(event), "12", "12"];
        assert_eq!(
            world.command(&flags).await,
            redis::Value::BulkString(vec![8])
        );
        world
            .command(&["SETRANGE", &key_of(event), "12", "\0"])
            .await;
    }
}

async fn listed(world: &World) -> redis::Value {
    world.command(&["ZCARD", "ws:{acme}:f:orders"]).await
}

#[tokio::test]
async fn failures_that_an_earlier_version_recorded_are_listed_with_later_ones() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    for (event, ms) in [("old-1", 1), ("old-2", 2)] {
        fail(&store, &owner, event, ms).await;
    }
    turn_back(&world, &["old-1", "old-2"]).await;
    assert_eq!(failed(&store, 9).await, ["old-2", "old-1"]);
    fail(&store, &owner, "new-1", 5).await;
    fail(&store, &owner, "new-2", 6).await;
    for limit in [1, 2, 3, 9] {
        let expected = ["new-2", "new-1", "old-2", "old-1"];
        assert_eq!(failed(&store, limit).await, expected, "in pages of {limit}");
    }
    attempt(&store, &owner, 9, 200).await;
    assert_eq!(failed(&store, 9).await, [""; 0]);
    assert_eq!(listed(&world).await, redis::Value::Int(0));
}

#[tokio::test]
async fn a_failed_delivery_is_listed_until_it_succeeds_or_is_deleted() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    fail(&store, &owner, "retried", 1).await;
    assert_eq!(failed(&store, 9).await, ["retried"]);
    attempt(&store, &owner, 9, 503).await;
    assert_eq!(failed(&store, 9).await, ["retried"], "once");
    attempt(&store, &owner, 9, 200).await;
    assert_eq!(failed(&store, 9).await, [""; 0]);
    // A replay keeps the last attempt, and its body is still that of the event.
    let everything = DeliveryFilter {
        event: Some(EventId::parse("retried").unwrap()),
        ..DeliveryFilter::default()
    };
    let (acme, kept) = (tenant("acme"), ReplayBodies::Kept);
    let replayed = store.replay(&acme, &everything, kept, at(10)).await;
    assert_eq!(replayed.unwrap(), 1);
    attempt(&store, &owner, 10, 503).await;
    let again = claim(&store, &owner, 9, 11).await.unwrap();
    assert!(!again[0].body.is_empty());
    let dead = Outcome {
        next: NextState::Dead("no".into()),
        ..outcome(&again[0], 503)
    };
    store.complete(&owner, &[dead], at(12)).await.unwrap();
    assert_eq!(failed(&store, 9).await, ["retried"]);
    let shown: Vec<Delivery> = all(&store).await;
    assert_eq!((shown.len(), shown[0].attempts.len()), (1, 5));
    while store.prune(at(1_000), at(1_000)).await.unwrap() {}
    assert_eq!(all(&store).await, []);
    assert_eq!(listed(&world).await, redis::Value::Int(0));
}

#[tokio::test]
async fn a_deleted_tenant_leaves_no_list_of_failures() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    fail(&store, &owner, "e", 1).await;
    assert_eq!(listed(&world).await, redis::Value::Int(1));
    assert!(store.delete_tenant(&tenant("acme")).await.unwrap());
    let left = world.command(&["KEYS", "ws:{acme}:*"]).await;
    assert_eq!(left, redis::Value::Array(vec![]));
}
