//! The planner on a real store, with permits that tests control.

use bytes::Bytes;
use futures::future::join_all;
use webhook_model::{DeliveryId, Pattern, TenantId};
use webhook_sender::plan::{PlanError, Submitted};
use webhook_store::{Queue, Tenants};

use crate::flaky::Fate;
use crate::world::{NOW, World, acme, event};

pub fn is_new(result: Result<Submitted, PlanError>) -> bool {
    !result.unwrap().known
}

#[tokio::test]
async fn an_event_and_its_deliveries_are_durable_when_submit_returns() {
    let world = World::with_permits(0).await;
    world.endpoint("all", |_| {}).await;
    world
        .endpoint("orders", |one| {
            one.events = vec![Pattern::parse("order.*").unwrap()]
        })
        .await;
    world
        .endpoint("invoices", |one| {
            one.events = vec![Pattern::parse("invoice.*").unwrap()]
        })
        .await;
    world.endpoint("disabled", |one| one.enabled = false).await;
    let event = event("evt_1", r#"{"id": 1}"#);
    let result = world.planner.submit(&acme(), event.clone()).await.unwrap();
    assert_eq!(
        result,
        Submitted {
            id: event.id.clone(),
            known: false
        }
    );
    assert_eq!(world.states().await, ["all pending", "orders pending"]);
    assert_eq!(
        world.store.event(&acme(), &event.id).await.unwrap(),
        Some(event)
    );
    assert!(
        world.dispatch_port.wakes() > 0,
        "the scheduler is woken for due deliveries"
    );
}

#[tokio::test]
async fn an_event_without_a_matching_endpoint_is_stored() {
    let world = World::with_permits(1).await;
    assert!(is_new(
        world.planner.submit(&acme(), event("evt_1", "1")).await
    ));
    assert!(!is_new(
        world.planner.submit(&acme(), event("evt_1", "1")).await
    ));
    assert!(world.deliveries().await.is_empty());
}

#[tokio::test]
async fn a_known_event_changes_nothing() {
    let world = World::with_permits(9).await;
    world.endpoint("all", |_| {}).await;
    assert!(is_new(
        world.planner.submit(&acme(), event("evt_1", "1")).await
    ));
    let before = world.deliveries().await;
    // Not even for an endpoint that was added in the meantime.
    world.endpoint("later", |_| {}).await;
    assert!(!is_new(
        world.planner.submit(&acme(), event("evt_1", "1")).await
    ));
    let other = world.planner.submit(&acme(), event("evt_1", "2")).await;
    let refused = "event `evt_1` was published before with another type or other data";
    assert_eq!(other.unwrap_err().to_string(), refused);
    assert_eq!(world.deliveries().await, before);
    assert_eq!(
        (
            world.dispatch_port.started().len(),
            world.dispatch_port.held()
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn a_delivery_with_a_permit_starts_immediately_and_its_body_is_not_copied() {
    let world = World::with_permits(1).await;
    world.endpoint("all", |_| {}).await;
    let event = event("evt_1", Bytes::from(r#"{"a":  1}"#.to_owned()));
    world.planner.submit(&acme(), event.clone()).await.unwrap();
    let started = world.dispatch_port.started();
    let [claim] = started.as_slice() else {
        panic!("{started:?}")
    };
    assert_eq!(
        claim.id,
        DeliveryId::of(&acme(), &event.id, &claim.endpoint)
    );
    assert_eq!(
        (claim.attempts_made, claim.due, &claim.event),
        (0, NOW, &event.id)
    );
    assert_eq!(claim.body.as_ptr(), event.data.as_ptr());
    assert_eq!(world.states().await, ["all in_flight"]);
    assert_eq!(
        (world.dispatch_port.held(), world.dispatch_port.wakes()),
        (0, 0)
    );
}

#[tokio::test]
async fn a_delivery_without_a_permit_is_due_immediately() {
    let world = World::with_permits(1).await;
    world.endpoint("a", |_| {}).await;
    world.endpoint("b", |_| {}).await;
    world
        .planner
        .submit(&acme(), event("evt_1", "1"))
        .await
        .unwrap();
    assert_eq!(world.states().await, ["a in_flight", "b pending"]);
    assert_eq!(world.dispatch_port.wakes(), 1);
}

#[tokio::test]
async fn an_ordered_delivery_waits_for_earlier_ones_and_releases_its_permit() {
    let world = World::with_permits(9).await;
    world.endpoint("ordered", |one| one.ordered = true).await;
    for id in ["evt_1", "evt_2"] {
        world.planner.submit(&acme(), event(id, "1")).await.unwrap();
    }
    assert_eq!(
        world.states().await,
        ["ordered in_flight", "ordered pending"]
    );
    assert_eq!(
        (
            world.dispatch_port.started().len(),
            world.dispatch_port.held()
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn events_are_planned_against_the_current_version_of_endpoints() {
    let world = World::with_permits(9).await;
    world
        .planner
        .submit(&acme(), event("evt_1", "1"))
        .await
        .unwrap();
    world.endpoint("new", |_| {}).await;
    world
        .planner
        .submit(&acme(), event("evt_2", "1"))
        .await
        .unwrap();
    assert_eq!(world.states().await, ["new in_flight"]);
    assert_eq!(world.dispatch_port.held(), 0);
}

#[tokio::test]
async fn endpoints_that_change_continually_are_an_error_and_hold_no_permit() {
    let world = World::with_permits(9).await;
    world.endpoint("all", |_| {}).await;
    world.store.plans.lock().unwrap().extend([Fate::Stale; 100]);
    let error = world
        .planner
        .submit(&acme(), event("evt_1", "1"))
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::Unsettled(_)), "{error}");
    assert_eq!(
        (
            world.dispatch_port.held(),
            world.dispatch_port.started().len()
        ),
        (0, 0)
    );
}

#[tokio::test]
async fn an_unknown_tenant_is_a_distinct_error() {
    let world = World::with_permits(9).await;
    let nobody = TenantId::parse("nobody").unwrap();
    let error = world
        .planner
        .submit(&nobody, event("evt_1", "1"))
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::UnknownTenant(_)), "{error}");
    // A tenant that was known and is deleted is unknown too.
    world.endpoint("all", |_| {}).await;
    world
        .planner
        .submit(&acme(), event("evt_1", "1"))
        .await
        .unwrap();
    world.store.delete_tenant(&acme()).await.unwrap();
    let error = world
        .planner
        .submit(&acme(), event("evt_2", "1"))
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::UnknownTenant(_)), "{error}");
    assert_eq!(world.dispatch_port.held(), 0);
}

#[tokio::test]
async fn an_event_that_did_not_reach_the_store_can_be_published_again() {
    let world = World::with_permits(9).await;
    world.endpoint("all", |_| {}).await;
    world.store.plans.lock().unwrap().push_back(Fate::Lost);
    assert!(
        world
            .planner
            .submit(&acme(), event("evt_1", "1"))
            .await
            .is_err()
    );
    assert!(is_new(
        world.planner.submit(&acme(), event("evt_1", "1")).await
    ));
    assert_eq!(world.dispatch_port.held(), 0);
}

#[tokio::test]
async fn without_a_lease_events_are_stored_and_their_deliveries_wait() {
    let world = World::with_permits(9).await;
    world.endpoint("all", |_| {}).await;
    world.store.plans.lock().unwrap().push_back(Fate::LeaseLost);
    assert!(is_new(
        world.planner.submit(&acme(), event("evt_1", "1")).await
    ));
    assert_eq!(world.states().await, ["all pending"]);
    assert_eq!(
        (
            world.dispatch_port.held(),
            world.dispatch_port.started().len()
        ),
        (0, 0)
    );
    assert_eq!(world.dispatch_port.wakes(), 1);
}

#[tokio::test]
async fn dropping_the_future_does_not_cancel_planning() {
    let world = World::with_permits(9).await;
    world.endpoint("all", |_| {}).await;
    let gate = world.store.gate.forget_permits(1_000_000);
    let tenant = acme();
    for id in ["evt_1", "evt_2"] {
        let mut submit = Box::pin(world.planner.submit(&tenant, event(id, "1")));
        let mut plan = Box::pin(
            world
                .planner
                .plan(vec![(acme(), event(&format!("{id}_b"), "1"))]),
        );
        assert!(futures::poll!(&mut submit).is_pending());
        assert!(futures::poll!(&mut plan).is_pending());
    }
    // One call for the submits, which share it, and one for each of the others.
    while world.store.batches.lock().unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
    world.store.gate.add_permits(gate);
    // Later events are planned after them, or concurrently.
    let submits = ["evt_3", "evt_1", "evt_2", "evt_1_b", "evt_2_b"];
    let submits = submits.map(|id| world.planner.submit(&tenant, event(id, "1")));
    let known = join_all(submits)
        .await
        .into_iter()
        .map(|result| result.unwrap().known);
    assert_eq!(
        known.filter(|known| !known).count(),
        1,
        "all but one were planned already"
    );
    assert_eq!(world.dispatch_port.started().len(), 5);
    assert_eq!(world.dispatch_port.held(), 0);
}
