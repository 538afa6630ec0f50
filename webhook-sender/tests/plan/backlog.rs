//! Events that are accepted first and planned from the store.

use std::sync::Arc;

use test_support::with_timeout;
use webhook_model::{Event, Rejected, TenantId};
use webhook_store::{Queries, Queue, RejectedFilter, Tenants};

use crate::world::{MAX_TRIES, NOW, World, acme, endpoint, event};

/// Returns an event whose data takes long to parse.
fn long(id: &str) -> Event {
    event(id, format!("\"{}\"", "x".repeat(40_000)))
}

async fn world() -> World {
    let world = World::with_permits(0).await;
    let filter = |one: &mut webhook_model::Endpoint| one.filter = Some("true".into());
    world.endpoint("all", filter).await;
    world
}

/// Returns the events of the deliveries, in the order of planning.
async fn planned(world: &World) -> Vec<String> {
    let deliveries = world.deliveries().await;
    deliveries.iter().map(|one| one.event.to_string()).collect()
}

async fn rejected(world: &World) -> Vec<Rejected> {
    let page = world.store.rejected(&RejectedFilter::All, None, 9).await;
    page.unwrap().items
}

#[tokio::test]
async fn events_whose_programs_may_take_long_are_accepted_and_planned_from_the_store() {
    let world = world().await;
    for id in ["evt_1", "evt_2"] {
        let submitted = world.planner.submit(&acme(), long(id)).await.unwrap();
        assert!(!submitted.known);
        assert!(world.planner.submit(&acme(), long(id)).await.unwrap().known);
    }
    assert_eq!(planned(&world).await, ["evt_1", "evt_2"]);
}

#[tokio::test]
async fn events_of_a_tenant_are_planned_in_the_order_of_acceptance() {
    let world = world().await;
    world.store.held.send_replace(Some(acme()));
    let mut ids = Vec::new();
    for number in 0..20 {
        let id = format!("evt_{number}");
        let long_or_not = if number % 3 == 0 {
            long(&id)
        } else {
            event(&id, "1")
        };
        if number % 3 == 0 {
            world.planner.submit(&acme(), long_or_not).await.unwrap();
        } else {
            // Submitted concurrently, because it waits for the store.
            world.store.held.send_replace(None);
            world.planner.submit(&acme(), long_or_not).await.unwrap();
            world.store.held.send_replace(Some(acme()));
        }
        ids.push(id);
    }
    world.store.held.send_replace(None);
    assert_eq!(planned(&world).await, ids);
}

#[tokio::test]
async fn planning_that_is_aborted_releases_its_permits() {
    let world = World::with_permits(9).await;
    let filter = |one: &mut webhook_model::Endpoint| one.filter = Some("true".into());
    world.endpoint("all", filter).await;
    world.store.held.send_replace(Some(acme()));
    world.planner.submit(&acme(), long("evt_1")).await.unwrap();
    world.dispatch_port.until_held(1).await;
    world.backlog.abort();
    world.dispatch_port.until_held(0).await;
    assert!(world.dispatch_port.started().is_empty());
}

#[tokio::test]
async fn slow_planning_of_a_tenant_delays_no_other_tenant() {
    let world = world().await;
    let other = TenantId::parse("other").unwrap();
    world.store.put_tenant(&other).await.unwrap();
    let theirs = webhook_model::Endpoint {
        tenant: other.clone(),
        ..endpoint("all")
    };
    world.store.put_endpoint(&theirs, None).await.unwrap();
    world.store.held.send_replace(Some(acme()));
    for number in 0..50 {
        let event = long(&format!("evt_{number}"));
        world.planner.submit(&acme(), event).await.unwrap();
    }
    // Neither acceptance nor planning of the other tenant waits.
    for event in [long("evt_1"), event("evt_2", "1")] {
        world.planner.submit(&other, event).await.unwrap();
    }
    let other_is_planned = async {
        while world.store.backlog().await.unwrap().contains(&other) {
            tokio::task::yield_now().await;
        }
    };
    with_timeout(other_is_planned, || "the other tenant's events".into()).await;
    assert_eq!(world.store.depth(NOW).await.unwrap().accepted, 50);
    world.store.held.send_replace(None);
    assert_eq!(planned(&world).await.len(), 50);
}

#[tokio::test]
async fn an_event_whose_planning_never_ends_is_rejected_alone() {
    let world = world().await;
    *world.store.deadly.lock().unwrap() = Some(event("bad", "1").id);
    world.store.held.send_replace(Some(acme()));
    for id in ["evt_1", "bad", "evt_2"] {
        world.planner.submit(&acme(), long(id)).await.unwrap();
    }
    world.store.held.send_replace(None);
    assert_eq!(planned(&world).await, ["evt_1", "evt_2"]);
    let rejected = rejected(&world).await;
    assert_eq!(rejected.len(), 1);
    let one = &rejected[0];
    assert!(
        one.id.starts_with("acme.") && one.id.ends_with(".bad"),
        "{}",
        one.id
    );
    assert_eq!(one.code, "poison");
    assert_eq!(one.tenant, Some(acme()));
    assert_eq!(
        one.reason,
        format!("planning began {MAX_TRIES} times and never ended")
    );
    assert_eq!(one.field("data").unwrap().bytes()[..], long("bad").data);
    assert_eq!(world.stats.poison(), 1);
    // A corrected event can be published under the same id.
    *world.store.deadly.lock().unwrap() = None;
    let again = world.planner.submit(&acme(), event("bad", "2")).await;
    assert!(!again.unwrap().known);
}

#[tokio::test]
async fn an_event_that_is_retried_while_its_rejection_ends_is_not_lost() {
    let world = world().await;
    *world.store.deadly.lock().unwrap() = Some(event("bad", "1").id);
    let (discard, gate) = tokio::sync::oneshot::channel();
    *world.store.discards.lock().unwrap() = Some(gate);
    world.planner.submit(&acme(), long("bad")).await.unwrap();
    // The event is kept as rejected, and the planner waits before it removes the accepted one.
    let is_rejected = async {
        while world.store.discards.lock().unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    };
    with_timeout(is_rejected, || "the rejection".into()).await;
    assert_eq!(rejected(&world).await.len(), 1);
    *world.store.deadly.lock().unwrap() = None;
    let corrected = Event {
        kind: "order.corrected".into(),
        ..long("bad")
    };
    let retried = world.planner.resubmit(&acme(), corrected).await;
    assert!(!retried.unwrap().known);
    discard.send(()).unwrap();
    world.all_planned().await;
    assert_eq!(planned(&world).await, ["bad"]);
    assert_eq!(rejected(&world).await.len(), 1);
}

#[tokio::test]
async fn an_event_whose_planning_never_ends_counts_no_try_of_another_tenant() {
    let world = world().await;
    let tenants: Vec<_> = (0..12)
        .map(|number| TenantId::parse(&format!("tenant{number}")).unwrap())
        .collect();
    for tenant in &tenants {
        world.store.put_tenant(tenant).await.unwrap();
        let theirs = webhook_model::Endpoint {
            tenant: tenant.clone(),
            filter: Some("true".into()),
            ..endpoint("all")
        };
        world.store.put_endpoint(&theirs, None).await.unwrap();
    }
    *world.store.deadly.lock().unwrap() = Some(event("bad", "1").id);
    let bad = vec![(acme(), long("bad"))];
    let others = tenants.iter().map(|tenant| (tenant.clone(), long("evt_1")));
    let accepted = world
        .planner
        .accept(bad.into_iter().chain(others).collect())
        .await;
    assert!(accepted.iter().all(Result::is_ok));
    world.all_planned().await;
    let rejected = rejected(&world).await;
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    assert!(rejected[0].id.ends_with(".bad"), "{}", rejected[0].id);
}

#[tokio::test]
async fn a_known_tenant_is_restored_before_its_events_are_rejected() {
    let world = world().await;
    // The store has lost the tenant, and contains it again at the next read.
    world
        .planner
        .submit(&acme(), event("evt_1", "1"))
        .await
        .unwrap();
    world.store.forgotten.lock().unwrap().replace(acme());
    let accepted = world.planner.submit(&acme(), long("evt_2")).await;
    assert!(!accepted.unwrap().known);
}

#[tokio::test]
async fn an_unavailable_store_does_not_make_events_poison() {
    let world = world().await;
    let lost = std::iter::repeat_n(crate::flaky::Fate::Lost, MAX_TRIES as usize + 3);
    world.store.plans.lock().unwrap().extend(lost);
    world.planner.submit(&acme(), long("evt_1")).await.unwrap();
    assert_eq!(planned(&world).await, ["evt_1"]);
    assert_eq!(rejected(&world).await, []);
}

#[tokio::test]
async fn events_that_another_process_accepted_are_planned() {
    let world = world().await;
    let left = [event("evt_1", "1"), event("evt_2", "2")];
    world.store.accept(&acme(), &left, NOW).await.unwrap();
    assert_eq!(planned(&world).await, ["evt_1", "evt_2"]);
}

#[tokio::test]
async fn an_event_that_may_have_ended_a_process_is_accepted_before_its_programs_run() {
    let world = world().await;
    world.store.held.send_replace(Some(acme()));
    let quick = vec![(acme(), event("evt_1", "1"))];
    let accepted = world.planner.accept(quick).await;
    assert!(accepted.into_iter().all(|one| !one.unwrap().known));
    assert_eq!(world.store.depth(NOW).await.unwrap().accepted, 1);
    world.store.held.send_replace(None);
    assert_eq!(planned(&world).await, ["evt_1"]);
}

#[tokio::test]
async fn a_tenant_that_is_deleted_while_its_events_wait_ends_their_planning() {
    let world = world().await;
    let store = Arc::clone(&world.store);
    store.held.send_replace(Some(acme()));
    world.planner.submit(&acme(), long("evt_1")).await.unwrap();
    store.delete_tenant(&acme()).await.unwrap();
    store.held.send_replace(None);
    world.all_planned().await;
    assert_eq!(store.depth(NOW).await.unwrap().accepted, 0);
}
