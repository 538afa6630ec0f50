//! The counts of outcomes when calls fail.

use webhook_model::{EndpointId, Owner, TenantId};
use webhook_store::redis::RedisStore;
use webhook_store::{
    Counters, InitialState, Interval, PlanBatch, PlanResult, Queries, Queue, Tenants,
};

use crate::world::{
    PLANNED, World, at, endpoint, endpoint_id, owner, plan, planned, success, tenant,
};

/// Delivers an event to `orders` of a tenant.
async fn deliver(store: &RedisStore, owner: &Owner, tenant: &TenantId, id: &str) {
    let (version, _) = store.endpoints(tenant).await.unwrap().unwrap();
    let event = planned(tenant, id, "orders", InitialState::Claimed, 10);
    let delivery = event.deliveries[0].id.clone();
    let batch = PlanBatch {
        tenant: tenant.clone(),
        version,
        fence: PLANNED,
        events: vec![event],
        accepted: false,
    };
    let planned = store.plan(owner, batch, at(1)).await.unwrap();
    assert!(matches!(planned, PlanResult::Done(_)));
    let outcome = success(tenant, &delivery, "orders");
    let recorded = store.complete(owner, &[outcome], at(2)).await;
    assert_eq!(recorded.unwrap(), [true]);
}

/// Returns the number of successful attempts of `orders` in the statistics.
async fn succeeded(store: &RedisStore, tenant: &TenantId) -> u64 {
    let orders: EndpointId = endpoint_id("orders");
    let stats = store.endpoint_stats(tenant, &orders, Interval::Hour, at(0));
    let of_endpoint = Counters::total(&stats.await.unwrap().unwrap().series);
    let sums = store.tenant_stats(tenant, Interval::Hour, at(0)).await;
    let of_tenant = Counters::total(&sums.unwrap().unwrap());
    assert_eq!(of_endpoint.succeeded, of_tenant.succeeded);
    of_endpoint.succeeded
}

#[tokio::test]
async fn counts_of_one_tenant_that_cannot_be_written_do_not_repeat_those_of_others() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    let (acme, other) = (tenant("acme"), tenant("other"));
    store.put_tenant(&other).await.unwrap();
    let orders = endpoint(&other, "orders");
    store.put_endpoint(&orders, None).await.unwrap();
    deliver(&store, &owner, &acme, "e1").await;
    deliver(&store, &owner, &other, "e1").await;
    // A key of another type, which fails each write.
    let key = "ws:{acme}:la:orders";
    world.command(&["SET", key, "no list"]).await;
    for _ in 0..3 {
        let failed = store.write_counts().await.unwrap_err().to_string();
        assert!(failed.contains("WRONGTYPE"), "{failed}");
    }
    world.command(&["DEL", key]).await;
    assert_eq!(succeeded(&store, &other).await, 1);
    assert_eq!(succeeded(&store, &acme).await, 0);
    deliver(&store, &owner, &acme, "e2").await;
    store.write_counts().await.unwrap();
    assert_eq!(succeeded(&store, &acme).await, 2);
    assert_eq!(succeeded(&store, &other).await, 1);
}

#[tokio::test]
async fn an_outcome_whose_recording_got_no_reply_is_counted_once() {
    let world = World::new().await;
    let owner = owner("a");
    let (store, acme) = (world.store(&owner).await, tenant("acme"));
    let planned = plan(&store, &owner, "e", InitialState::Claimed, 1).await;
    planned.unwrap();
    let id = store
        .deliveries(&acme, &Default::default(), None, 1)
        .await
        .unwrap()
        .items
        .remove(0)
        .id;
    let outcome = [success(&acme, &id, "orders")];
    // Another store takes the place of the call whose reply was lost.
    let lost = world.bare_store();
    lost.complete(&owner, &outcome, at(2)).await.unwrap();
    for _ in 0..2 {
        let recorded = store.complete(&owner, &outcome, at(3)).await;
        assert_eq!(recorded.unwrap(), [true]);
    }
    store.write_counts().await.unwrap();
    assert_eq!(succeeded(&store, &acme).await, 1);
}
