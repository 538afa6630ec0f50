//! The planner on a real store, with permits that tests control.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use webhook_model::{DeliveryId, DeliveryState, EndpointId, Event, Pattern, TenantId};
use webhook_sender::plan::{PlanError, Submitted};
use webhook_sender::registry::{DEFERRED_BODY, Limits};
use webhook_store::{ClaimRequest, DeliveryFilter, Queries, Queue, ReplayBodies, Tenants};

use crate::flaky::Fate;
use crate::world::{NOW, World, acme, event};

fn is_new(answer: Result<Submitted, PlanError>) -> bool {
    !answer.unwrap().known
}

#[tokio::test]
async fn events_after_a_failed_batch_are_not_planned_before_it() {
    let world = World::with_permits(0).await;
    world.endpoint("all", |_| {}).await;
    world.store.plans.lock().unwrap().push_back(Fate::Lost);
    // More events than fit in a batch.
    let events: Vec<_> = (0..300)
        .map(|number| (acme(), event(&format!("evt_{number}"), "{}")))
        .collect();
    let answers = world.planner.plan(events.clone()).await;
    assert!(answers.iter().all(Result::is_err));
    assert_eq!(world.deliveries().await.len(), 0);
    let answers = world.planner.plan(events).await;
    assert!(answers.into_iter().all(is_new));
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
    let answer = world.planner.submit(&acme(), event.clone()).await.unwrap();
    assert_eq!(
        answer,
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
    assert_eq!(
        world
            .store
            .replay(&acme(), &all, ReplayBodies::Kept, NOW)
            .await
            .unwrap(),
        1
    );
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
    let answers = world.planner.plan(events).await;
    assert!(answers.into_iter().all(is_new));
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
    let answers = world.planner.plan(events).await;
    let shown = answers.iter().map(|answer| match answer {
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
    assert!(shown.eq(expected), "{answers:?}");
    assert_eq!(world.states().await, ["all in_flight", "all in_flight"]);
    assert_eq!(world.dispatch_port.held(), 0);
}

#[tokio::test]
async fn a_lost_reply_leaves_no_delivery_in_flight_without_an_attempt() {
    let world = World::with_permits(9).await;
    world.endpoint("all", |_| {}).await;
    world
        .store
        .plans
        .lock()
        .unwrap()
        .push_back(Fate::AnswerLost);
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
        .map(|answer| answer.unwrap().known);
    assert_eq!(
        known.filter(|known| !known).count(),
        1,
        "all but one were planned already"
    );
    assert_eq!(world.dispatch_port.started().len(), 5);
    assert_eq!(world.dispatch_port.held(), 0);
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
    let answers = world.planner.plan(events).await;
    assert!(answers.into_iter().all(is_new));
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
