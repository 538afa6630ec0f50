//! Events that are planned together.

use webhook_model::TenantId;
use webhook_sender::plan::PlanError;
use webhook_store::Tenants;

use crate::flaky::Fate;
use crate::planner::is_new;
use crate::world::{World, acme, event};

#[tokio::test]
async fn events_after_a_failed_batch_are_not_planned_before_it() {
    let world = World::with_permits(0).await;
    world.endpoint("all", |_| {}).await;
    world.store.plans.lock().unwrap().push_back(Fate::Lost);
    // More events than fit in a batch.
    let events: Vec<_> = (0..300)
        .map(|number| (acme(), event(&format!("evt_{number}"), "{}")))
        .collect();
    let results = world.planner.plan(events.clone()).await;
    assert!(results.iter().all(Result::is_err));
    assert_eq!(world.deliveries().await.len(), 0);
    let results = world.planner.plan(events).await;
    assert!(results.into_iter().all(is_new));
}

#[tokio::test]
async fn submits_that_wait_at_the_same_time_share_a_call_of_the_store() {
    let world = World::with_permits(0).await;
    world.endpoint("all", |_| {}).await;
    let gate = world.store.gate.forget_permits(1_000_000);
    let submits = (0..100).map(|n| {
        let planner = world.planner.clone();
        tokio::spawn(async move {
            planner
                .submit(&acme(), event(&format!("evt_{n}"), "1"))
                .await
        })
    });
    let submits: Vec<_> = submits.collect();
    // Each has run until it waits for the gate, or for the one that does.
    while world.store.batches.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    for _ in 0..submits.len() {
        tokio::task::yield_now().await;
    }
    world.store.gate.add_permits(gate);
    for submit in submits {
        assert!(is_new(submit.await.unwrap()));
    }
    let batches = world.store.batches.lock().unwrap().clone();
    assert_eq!(batches.iter().sum::<usize>(), 100);
    assert!(batches.len() <= 3, "{batches:?}");
    assert_eq!(world.deliveries().await.len(), 100);
}

#[tokio::test]
async fn a_batch_is_bounded() {
    let world = World::with_permits(0).await;
    let events = (0..600)
        .map(|n| (acme(), event(&format!("evt_{n}"), "1")))
        .collect();
    let results = world.planner.plan(events).await;
    assert!(results.into_iter().all(is_new));
    assert_eq!(*world.store.batches.lock().unwrap(), [256, 256, 88]);
}

#[tokio::test]
async fn results_of_a_batch_of_many_tenants_are_in_its_order() {
    let world = World::with_permits(9).await;
    world.endpoint("all", |_| {}).await;
    let other = TenantId::parse("other").unwrap();
    world.store.put_tenant(&other).await.unwrap();
    let nobody = TenantId::parse("nobody").unwrap();
    let events = vec![
        (acme(), event("evt_1", "1")),
        (nobody, event("evt_2", "1")),
        (other, event("evt_1", "1")),
        (acme(), event("evt_1", "1")),
        (acme(), event("evt_3", "1")),
    ];
    let results = world.planner.plan(events).await;
    let shown = results.iter().map(|result| match result {
        Ok(one) => format!("{} {}", one.id, one.known),
        Err(error) => error.to_string(),
    });
    let expected = [
        "evt_1 false",
        "tenant `nobody` is unknown",
        "evt_1 false",
        "evt_1 true",
        "evt_3 false",
    ];
    assert!(shown.eq(expected), "{results:?}");
    assert_eq!(world.states().await, ["all in_flight", "all in_flight"]);
    assert_eq!(world.dispatch_port.held(), 0);
}

#[tokio::test]
async fn a_lost_reply_leaves_no_delivery_in_flight_without_an_attempt() {
    let world = World::with_permits(9).await;
    world.endpoint("all", |_| {}).await;
    world.store.plans.lock().unwrap().push_back(Fate::ReplyLost);
    world
        .store
        .completes
        .lock()
        .unwrap()
        .extend([Fate::Lost; 2]);
    let error = world
        .planner
        .submit(&acme(), event("evt_1", "1"))
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::Store(_)), "{error}");
    assert_eq!(
        (
            world.dispatch_port.held(),
            world.dispatch_port.started().len()
        ),
        (0, 0)
    );
    world.dispatch_port.woken().await;
    assert_eq!(world.states().await, ["all pending"]);
    // Publishing it again reports that it is known.
    assert!(!is_new(
        world.planner.submit(&acme(), event("evt_1", "1")).await
    ));
}
