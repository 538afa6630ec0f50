//! Guarantees of planning events whose ids are known.

use webhook_model::DeliveryState::InFlight;
use webhook_model::Event;
use webhook_store::{DeliveryFilter, PlanResult, Planned};

use super::plan::batch;
use crate::world::{World, at, claimed, due, endpoint, event, planned, tenant_id};

pub async fn planning_twice_changes_nothing(world: World) {
    let other = world.add("other").await;
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    world.succeed(&id, 2).await;
    let before = world.list(&DeliveryFilter::default()).await;
    // An event with another time or ordering key counts as the same event.
    let again = Event {
        at: at(77),
        ordering_key: Some("k".into()),
        ..event("e")
    };
    let again = planned(
        &world.acme,
        again,
        &[due(&world.orders, 3), claimed(&other)],
    );
    let result = world
        .plan_as(&world.owner, &world.acme, vec![again], 3)
        .await;
    assert_eq!(result, [Planned::Known]);
    assert_eq!(world.list(&DeliveryFilter::default()).await, before);
    let kept = world
        .store()
        .event(&world.acme, &event("e").id)
        .await
        .unwrap();
    assert_eq!(kept, Some(event("e")));
    assert!(!world.is_due(9).await);
}

pub async fn an_id_with_another_type_or_other_data_is_rejected_and_changes_nothing(world: World) {
    world.one(event("e"), claimed(&world.orders), 1).await;
    let before = world.list(&DeliveryFilter::default()).await;
    let other_type = Event {
        kind: "other".into(),
        ..event("e")
    };
    let other_data = Event {
        data: "{}".into(),
        ..event("e")
    };
    let with_key = Event {
        ordering_key: Some("k".into()),
        ..other_data.clone()
    };
    let events = [other_type, event("e"), other_data, event("new"), with_key];
    let events = events.map(|event| planned(&world.acme, event, &[due(&world.orders, 3)]));
    let result = world
        .plan_as(&world.owner, &world.acme, events.into(), 3)
        .await;
    let new = Planned::New { claimed: vec![] };
    let refused = || Planned::Conflict;
    assert_eq!(
        result,
        [refused(), Planned::Known, refused(), new, refused()]
    );
    assert_eq!(
        world.list(&DeliveryFilter::default()).await.len(),
        before.len() + 1
    );
    let kept = world.store().event(&world.acme, &event("e").id).await;
    assert_eq!(kept.unwrap(), Some(event("e")));
}

pub async fn later_events_of_an_id_in_a_batch_are_compared_with_the_first(world: World) {
    let other = Event {
        data: "{}".into(),
        ..event("a")
    };
    let events = [event("a"), other, event("a"), event("b")];
    let events = events.map(|event| planned(&world.acme, event, &[due(&world.orders, 1)]));
    let result = world
        .plan_as(&world.owner, &world.acme, events.into(), 1)
        .await;
    let new = || Planned::New { claimed: vec![] };
    assert_eq!(result, [new(), Planned::Conflict, Planned::Known, new()]);
    assert_eq!(world.claim_ids(1).await.len(), 2);
}

pub async fn of_events_planned_concurrently_with_one_id_one_is_kept(world: World) {
    let version = world.version(&world.acme).await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (store, owner) = (world.store().clone(), world.owner.clone());
            let one = Event {
                data: format!("{task}").into(),
                ..event("e")
            };
            let one = planned(&world.acme, one, &[due(&world.orders, 1)]);
            let batch = batch(&world.acme, version, vec![one]);
            tokio::spawn(async move { store.plan(&owner, batch, at(1)).await.unwrap() })
        })
        .collect();
    let mut conflicts = 0;
    for task in tasks {
        let PlanResult::Done(planned) = task.await.unwrap() else {
            panic!("stale")
        };
        conflicts += usize::from(planned == [Planned::Conflict]);
    }
    assert_eq!(conflicts, 7);
    assert_eq!(world.claim_ids(1).await.len(), 1);
}

pub async fn an_event_twice_in_a_batch_is_planned_once(world: World) {
    let events =
        ["a", "b", "a"].map(|id| planned(&world.acme, event(id), &[due(&world.orders, 1)]));
    let result = world
        .plan_as(&world.owner, &world.acme, events.into(), 1)
        .await;
    let new = || Planned::New { claimed: vec![] };
    assert_eq!(result, [new(), new(), Planned::Known]);
    assert_eq!(world.claim_ids(1).await.len(), 2);
}

pub async fn concurrent_planning_creates_one_delivery(world: World) {
    let version = world.version(&world.acme).await;
    let events = |_| {
        (0..20).map(|n| {
            planned(
                &world.acme,
                event(&format!("e{n}")),
                &[claimed(&world.orders)],
            )
        })
    };
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (store, owner) = (world.store().clone(), world.owner.clone());
            let batch = batch(&world.acme, version, events(task).collect());
            tokio::spawn(async move { store.plan(&owner, batch, at(1)).await.unwrap() })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        let PlanResult::Done(planned) = task.await.unwrap() else {
            panic!("stale")
        };
        new += planned.iter().filter(|one| **one != Planned::Known).count();
    }
    assert_eq!(new, 20);
    assert_eq!(world.list(&DeliveryFilter::default()).await.len(), 20);
    assert_eq!(world.store().depth(at(1)).await.unwrap().in_flight, 20);
}

pub async fn two_tenants_may_use_the_same_event_id(world: World) {
    let globex = tenant_id("globex");
    world.store().put_tenant(&globex).await.unwrap();
    world.put(&endpoint(&globex, "orders")).await;
    let theirs = Event {
        data: "2".into(),
        ..event("e")
    };
    let theirs_planned = planned(&globex, theirs.clone(), &[claimed(&world.orders)]);
    let id = theirs_planned.deliveries[0].id.clone();
    let ours = world.one(event("e"), claimed(&world.orders), 1).await;
    let result = world
        .plan_as(&world.owner, &globex, vec![theirs_planned], 1)
        .await;
    assert_eq!(
        result,
        [Planned::New {
            claimed: vec![id.clone()]
        }]
    );
    assert_ne!(id, ours);
    let kept = world.store().event(&globex, &theirs.id).await.unwrap();
    assert_eq!(kept, Some(theirs));
    world.succeed(&ours, 2).await;
    let delivery = world.store().delivery(&globex, &id).await.unwrap().unwrap();
    assert_eq!(delivery.state, InFlight);
}
