//! Filters, transforms, and their bounds.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;
use webhook_model::{DeliveryState, EndpointId, Event};
use webhook_sender::registry::{DEFERRED_BODY, Limits};
use webhook_store::{ClaimRequest, DeliveryFilter, Queries, Queue, ReplayBodies, Tenants};

use crate::flaky::Fate;
use crate::planner::is_new;
use crate::world::{NOW, World, acme, event};

#[tokio::test]
async fn filters_and_transforms_decide_what_is_sent() {
    let world = World::with_permits(9).await;
    let rules = [
        ("large", Some("event.data.total > 100"), None),
        ("small", Some("event.data.total <= 100"), None),
        (
            "short",
            None,
            Some("{'type': event.type, 'total': event.data.total}"),
        ),
    ];
    for (id, filter, transform) in rules {
        let change = |one: &mut webhook_model::Endpoint| {
            one.filter = filter.map(str::to_owned);
            one.transform = transform.map(str::to_owned);
        };
        world.endpoint(id, change).await;
    }
    world
        .planner
        .submit(&acme(), event("evt_1", r#"{"total": 7, "x": 1}"#))
        .await
        .unwrap();
    let mut sent: Vec<_> = world.dispatch_port.started();
    sent.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
    let sent = sent
        .iter()
        .map(|claim| (claim.endpoint.as_str(), &claim.body[..]));
    let expected: [(&str, &[u8]); 2] = [
        ("short", br#"{"type":"order.shipped","total":7}"#),
        ("small", br#"{"total": 7, "x": 1}"#),
    ];
    assert!(sent.eq(expected));
}

#[tokio::test]
async fn a_failing_program_makes_only_that_delivery_a_dead_letter() {
    let world = World::with_permits(9).await;
    world.endpoint("fine", |_| {}).await;
    world
        .endpoint("filter", |one| one.filter = Some("event.data.paid".into()))
        .await;
    world
        .endpoint("transform", |one| {
            one.transform = Some("event.data.a + 1".into())
        })
        .await;
    world
        .planner
        .submit(&acme(), event("evt_1", r#"{"a": "x"}"#))
        .await
        .unwrap();
    assert_eq!(
        world.states().await,
        ["filter dead", "fine in_flight", "transform dead"]
    );
    let mut reasons: Vec<_> = world
        .deliveries()
        .await
        .into_iter()
        .filter_map(|one| one.reason)
        .collect();
    reasons.sort();
    let [filter, transform] = reasons.as_slice() else {
        panic!("{reasons:?}")
    };
    assert_eq!(filter, "filter: no such key: paid");
    assert!(
        transform.starts_with("transform: unsupported binary operator"),
        "{transform}"
    );
}

/// The published data is not sent instead: the transform may hide a part of it.
#[tokio::test]
async fn a_replayed_delivery_without_a_body_is_recognised_by_its_body() {
    let world = World::with_permits(0).await;
    let endpoint = world
        .endpoint("all", |one| one.transform = Some("event.data.x".into()))
        .await;
    world
        .planner
        .submit(&acme(), event("evt_1", r#"{"secret": 1}"#))
        .await
        .unwrap();
    let all = DeliveryFilter {
        state: Some(DeliveryState::Dead),
        ..DeliveryFilter::default()
    };
    let (store, kept) = (&world.store, ReplayBodies::Kept);
    assert_eq!(store.replay(&acme(), &all, kept, NOW).await.unwrap(), 1);
    let ask = ClaimRequest {
        tenant: acme(),
        endpoint: endpoint.id,
        limit: 1,
    };
    let claims = world
        .store
        .claim(&world.lease.owner(), &[ask], NOW)
        .await
        .unwrap();
    assert_eq!(
        claims.first().map(|claim| &claim.body),
        Some(&DEFERRED_BODY)
    );
}

#[tokio::test]
async fn events_of_an_unusable_endpoint_become_dead_letters_with_the_reason() {
    let world = World::with_permits(9).await;
    world
        .endpoint("url", |one| one.url = "nowhere".into())
        .await;
    world
        .endpoint("program", |one| one.filter = Some("event.".into()))
        .await;
    world
        .planner
        .submit(&acme(), event("evt_1", "1"))
        .await
        .unwrap();
    assert_eq!(world.states().await, ["program dead", "url dead"]);
    let reasons: Vec<_> = world
        .deliveries()
        .await
        .into_iter()
        .filter_map(|one| one.reason)
        .collect();
    assert!(
        reasons.iter().any(|reason| reason.contains("`nowhere`")),
        "{reasons:?}"
    );
    assert!(
        reasons
            .iter()
            .any(|reason| reason.starts_with("filter: line 1")),
        "{reasons:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_runs_out_of_fuel_affects_no_other_endpoint() {
    let world = World::with_permits(99).await;
    let endless = "event.data.all(a, event.data.all(b, event.data.all(c, a + b + c >= 0)))";
    world.endpoint("fine", |_| {}).await;
    world
        .endpoint("endless", |one| one.filter = Some(endless.into()))
        .await;
    let numbers: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    let data = format!("[{}]", numbers.join(","));
    let tenant = acme();
    let submits = (0..8).map(|n| {
        world
            .planner
            .submit(&tenant, event(&format!("evt_{n}"), data.clone()))
    });
    assert!(join_all(submits).await.into_iter().all(is_new));
    let states = world.states().await;
    assert_eq!(
        states
            .iter()
            .filter(|state| *state == "fine in_flight")
            .count(),
        8
    );
    let reasons: Vec<_> = world
        .deliveries()
        .await
        .into_iter()
        .filter_map(|one| one.reason)
        .collect();
    assert_eq!(reasons, vec!["filter: too much work for one event"; 8]);
}

#[tokio::test]
async fn an_endpoint_is_compiled_once_for_each_of_its_versions() {
    let world = World::with_permits(0).await;
    let endpoint = world
        .endpoint("all", |one| one.filter = Some("true".into()))
        .await;
    let id: EndpointId = endpoint.id.clone();
    world.registry.tenant(&acme()).await.unwrap();
    let first = world.registry.endpoint(&acme(), &id).unwrap();
    world.endpoint("other", |_| {}).await;
    world.registry.reload(&acme()).await.unwrap();
    let second = world.registry.endpoint(&acme(), &id).unwrap();
    assert!(
        Arc::ptr_eq(&first, &second),
        "an unchanged endpoint is reused"
    );
    let changed = webhook_model::Endpoint {
        filter: Some("false".into()),
        ..endpoint.clone()
    };
    world
        .store
        .put_endpoint(&changed, Some(endpoint.version))
        .await
        .unwrap();
    world.registry.refresh().await.unwrap();
    assert!(!Arc::ptr_eq(
        &first,
        &world.registry.endpoint(&acme(), &id).unwrap()
    ));
    let event: Event = event("evt_1", "1");
    world.planner.submit(&acme(), event).await.unwrap();
    assert_eq!(world.states().await, ["other pending"]);
}

#[tokio::test]
async fn a_panic_in_planning_affects_no_later_events() {
    let world = World::with_permits(9).await;
    world.endpoint("all", |_| {}).await;
    world.store.plans.lock().unwrap().push_back(Fate::Panics);
    let hit = world.planner.submit(&acme(), event("evt_1", "1")).await;
    assert!(is_new(hit), "it is accepted instead");
    assert_eq!(world.states().await, ["all in_flight"]);
    let tenant = acme();
    let later = world.planner.submit(&tenant, event("evt_2", "1"));
    let seen = || "the tenant's planning to go on".into();
    assert!(is_new(test_support::with_timeout(later, seen).await));
    world.dispatch_port.until_held(0).await;
}

/// Returns a transform whose body is as large as the data.
fn copying(endpoint: &mut webhook_model::Endpoint) {
    endpoint.transform = Some("event.data".into());
}

#[tokio::test]
async fn bodies_beyond_the_budget_of_the_tenant_are_rendered_at_the_attempt() {
    let world = World::with_permits(8).await;
    let planned_bytes = 1 << 20;
    let limits = Limits {
        planned_bytes,
        ..Limits::default()
    };
    world.registry.set_limits(limits, HashMap::new());
    for number in 0..8 {
        world.endpoint(&format!("ep{number}"), copying).await;
    }
    let data = format!("\"{}\"", "x".repeat(300_000));
    let events: Vec<_> = (0..5)
        .map(|number| (acme(), event(&format!("evt_{number}"), data.clone())))
        .collect();
    let results = world.planner.plan(events).await;
    assert!(results.into_iter().all(is_new));
    // Every event is planned for every endpoint; the bodies of the first fill a batch.
    assert_eq!(world.deliveries().await.len(), 40);
    let batches = world.store.batches.lock().unwrap().clone();
    assert_eq!((batches[0], batches.iter().sum::<usize>()), (1, 5));
    // Bodies in flight occupy the budget; the others are not rendered.
    let started = world.dispatch_port.started();
    let made = started
        .iter()
        .filter(|claim| claim.body != DEFERRED_BODY)
        .count();
    assert_eq!((started.len(), made), (8, 3));
    let budget = world.registry.budget(&acme());
    assert_eq!(budget.try_hold(vec![0; 200_000].into()), None);
}

#[tokio::test]
async fn bodies_within_the_budget_are_rendered_and_release_it() {
    let world = World::with_permits(0).await;
    world.endpoint("copying", copying).await;
    for number in 0..4 {
        let event = event(&format!("evt_{number}"), "[1]");
        world.planner.submit(&acme(), event).await.unwrap();
    }
    let total = Limits::default().planned_bytes;
    let budget = world.registry.budget(&acme());
    // The store may hold the bodies for a moment longer than the call lasts.
    let seen = || "the whole budget".into();
    let whole = test_support::with_timeout(budget.reserve(total), seen).await;
    assert!(whole.is_some());
}
