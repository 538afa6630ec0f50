//! Guarantees of accepting events and planning them later.

use webhook_model::{DeliveryState::Pending, Event};
use webhook_store::{Acceptance, DeliveryFilter, PlanBatch, PlanResult, Planned, StoreError};

use crate::world::{DAY, World, at, due, event, planned, sender, tenant_id};

fn events(ids: &[&str]) -> Vec<Event> {
    ids.iter().map(|id| event(id)).collect()
}

/// Returns the events that planning takes first: ids without earlier tries.
fn untried(ids: &[&str]) -> Vec<(String, u32)> {
    ids.iter().map(|id| ((*id).to_owned(), 0)).collect()
}

pub async fn an_accepted_event_is_stored_without_deliveries(world: World) {
    let keyed = Event {
        ordering_key: Some("käse".into()),
        at: at(77),
        ..event("e")
    };
    assert_eq!(
        world.accept(std::slice::from_ref(&keyed), 1).await,
        [Acceptance::New]
    );
    let found = world.store().event(&world.acme, &keyed.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&keyed));
    assert_eq!(world.list(&DeliveryFilter::default()).await, []);
    let backlog = world.store().backlog().await.unwrap();
    assert_eq!(backlog, std::slice::from_ref(&world.acme));
    let taken = world.store().begin_planning(&world.owner, &world.acme, 9);
    assert_eq!(taken.await.unwrap()[0].event, keyed);
}

pub async fn accepting_twice_changes_nothing(world: World) {
    world.one(event("planned"), due(&world.orders, 1), 1).await;
    let all = events(&["e", "planned", "e", "new"]);
    let (new, known) = (Acceptance::New, Acceptance::Known);
    assert_eq!(world.accept(&all, 2).await, [new, known, known, new]);
    assert_eq!(world.accept(&all, 3).await, [known; 4]);
    let taken = world.begin_as(&world.owner, 9).await;
    assert_eq!(taken, untried(&["e", "new"]));
}

pub async fn an_accepted_id_with_other_content_is_rejected(world: World) {
    world.accept(&events(&["e"]), 1).await;
    let other = Event {
        data: "2".into(),
        ..event("e")
    };
    assert_eq!(world.accept(&[other], 2).await, [Acceptance::Conflict]);
    let kept = world.store().event(&world.acme, &event("e").id).await;
    assert_eq!(kept.unwrap(), Some(event("e")));
}

pub async fn events_of_an_unknown_tenant_are_not_accepted(world: World) {
    let unknown = tenant_id("nobody");
    let refused = world.store().accept(&unknown, &events(&["e"]), at(1)).await;
    assert!(matches!(refused, Err(StoreError::UnknownTenant(id)) if id == unknown));
    let taken = world.store().begin_planning(&world.owner, &unknown, 9);
    assert_eq!(taken.await.unwrap(), []);
}

pub async fn accepted_events_are_planned_in_the_order_of_acceptance(world: World) {
    world.accept(&events(&["c", "a"]), 5).await;
    world.accept(&events(&["b"]), 1).await;
    assert_eq!(world.begin_as(&world.owner, 2).await, untried(&["c", "a"]));
    let both = ["c", "a"].map(|id| planned(&world.acme, event(id), &[due(&world.orders, 6)]));
    let new = Planned::New { claimed: vec![] };
    assert_eq!(
        world.plan_accepted(both.into(), 6).await,
        [new.clone(), new]
    );
    assert_eq!(world.begin_as(&world.owner, 9).await, untried(&["b"]));
    let listed = world.list(&DeliveryFilter::default()).await;
    let listed: Vec<_> = listed.iter().map(|one| one.event.as_str()).collect();
    assert_eq!(listed, ["a", "c"], "the newest first");
}

pub async fn new_events_are_not_planned_before_accepted_ones(world: World) {
    world.accept(&events(&["first"]), 1).await;
    let batch = PlanBatch {
        tenant: world.acme.clone(),
        version: world.version(&world.acme).await,
        fence: webhook_store::Fence::new(at(2)),
        events: vec![planned(&world.acme, event("new"), &[due(&world.orders, 2)])],
        accepted: false,
    };
    let result = world.store().plan(&world.owner, batch.clone(), at(2)).await;
    assert_eq!(result.unwrap(), PlanResult::Backlog);
    assert_eq!(world.list(&DeliveryFilter::default()).await, []);
    let first = planned(&world.acme, event("first"), &[due(&world.orders, 3)]);
    world.plan_accepted(vec![first], 3).await;
    let result = world.store().plan(&world.owner, batch, at(4)).await;
    assert!(matches!(result.unwrap(), PlanResult::Done(_)));
}

pub async fn an_event_is_planned_once(world: World) {
    world.accept(&events(&["e", "after"]), 1).await;
    let once = || vec![planned(&world.acme, event("e"), &[due(&world.orders, 2)])];
    let new = Planned::New { claimed: vec![] };
    assert_eq!(world.plan_accepted(once(), 2).await, [new]);
    assert_eq!(world.plan_accepted(once(), 3).await, [Planned::Known]);
    let listed = world.list(&DeliveryFilter::default()).await;
    assert_eq!((listed.len(), listed[0].state), (1, Pending));
    assert_eq!(world.begin_as(&world.owner, 9).await, untried(&["after"]));
}

pub async fn an_event_that_does_not_come_first_is_not_planned(world: World) {
    world.accept(&events(&["first", "second"]), 1).await;
    let second = planned(&world.acme, event("second"), &[due(&world.orders, 2)]);
    assert_eq!(
        world.plan_accepted(vec![second], 2).await,
        [Planned::Known],
        "another process would have planned it"
    );
    assert_eq!(world.list(&DeliveryFilter::default()).await, []);
    let taken = world.begin_as(&world.owner, 9).await;
    assert_eq!(taken, untried(&["first", "second"]));
}

pub async fn a_try_counts_until_it_is_taken_back(world: World) {
    world.accept(&events(&["e"]), 1).await;
    for tries in 0..3 {
        let taken = world.begin_as(&world.owner, 9).await;
        assert_eq!(taken, [("e".to_owned(), tries)]);
    }
    let ids = [event("e").id];
    for left in [2, 2] {
        // The second call ends nothing: its owner does not plan any more.
        for _ in 0..2 {
            let ended = world.store().end_planning(&world.owner, &world.acme, &ids);
            ended.await.unwrap();
        }
        let taken = world.begin_as(&world.owner, 9).await;
        assert_eq!(taken, [("e".to_owned(), left)]);
    }
}

pub async fn an_event_that_was_tried_comes_alone(world: World) {
    world.accept(&events(&["a", "b"]), 1).await;
    assert_eq!(world.begin_as(&world.owner, 9).await.len(), 2);
    world.accept(&events(&["c", "d"]), 2).await;
    let next = |id: &str, tries| vec![(id.to_owned(), tries)];
    assert_eq!(world.begin_as(&world.owner, 9).await, next("a", 1));
    let plan = |id| vec![planned(&world.acme, event(id), &[due(&world.orders, 2)])];
    world.plan_accepted(plan("a"), 3).await;
    assert_eq!(world.begin_as(&world.owner, 9).await, next("b", 1));
    world.plan_accepted(plan("b"), 3).await;
    assert_eq!(world.begin_as(&world.owner, 9).await, untried(&["c", "d"]));
}

pub async fn one_owner_plans_for_a_tenant_at_a_time(world: World) {
    let other = sender("other");
    world
        .store()
        .acquire_lease(&other, at(1), at(DAY))
        .await
        .unwrap();
    world.accept(&events(&["a", "b"]), 1).await;
    assert_eq!(world.begin_as(&world.owner, 1).await, untried(&["a"]));
    assert_eq!(world.begin_as(&other, 9).await, []);
    let ids = [event("a").id];
    let ended = world.store().end_planning(&world.owner, &world.acme, &ids);
    ended.await.unwrap();
    assert_eq!(world.begin_as(&other, 9).await, untried(&["a", "b"]));
    assert_eq!(world.begin_as(&world.owner, 9).await, []);
}

pub async fn events_that_a_gone_owner_was_planning_are_planned_by_others(world: World) {
    let gone = sender("gone");
    world
        .store()
        .acquire_lease(&gone, at(1), at(1_000))
        .await
        .unwrap();
    world.accept(&events(&["e"]), 1).await;
    assert_eq!(world.begin_as(&gone, 9).await, untried(&["e"]));
    assert_eq!(world.begin_as(&world.owner, 9).await, []);
    world.recover(1_001).await;
    assert_eq!(world.begin_as(&world.owner, 9).await, [("e".into(), 1)]);
}

pub async fn accepted_events_are_counted_and_outlive_a_restart(mut world: World) {
    world.accept(&events(&["a", "b"]), 1).await;
    world.begin_as(&world.owner, 1).await;
    let depth = world.store().depth(at(2)).await.unwrap();
    assert_eq!((depth.accepted, depth.pending), (2, 0));
    world.restart(2).await;
    let depth = world.store().depth(at(2)).await.unwrap();
    assert_eq!(depth.accepted, 2);
    let backlog = world.store().backlog().await.unwrap();
    assert_eq!(backlog, std::slice::from_ref(&world.acme));
    assert_eq!(world.begin_as(&world.owner, 9).await, [("a".into(), 1)]);
}

pub async fn the_id_of_a_discarded_event_can_be_used_again(world: World) {
    world.accept(&events(&["a", "b"]), 1).await;
    let id = event("a").id;
    let discard = async |tries| {
        let discarded = world.store().discard_accepted(&world.acme, &id, tries);
        discarded.await.unwrap();
        world.store().event(&world.acme, &id).await.unwrap()
    };
    // Another use of the id: it was not tried.
    assert!(discard(1).await.is_some());
    world.begin_as(&world.owner, 1).await;
    assert!(discard(2).await.is_some());
    assert_eq!(discard(1).await, None);
    assert_eq!(world.store().depth(at(2)).await.unwrap().accepted, 1);
    assert_eq!(world.accept(&events(&["a"]), 3).await, [Acceptance::New]);
    assert_eq!(world.begin_as(&world.owner, 9).await, untried(&["b", "a"]));
}

pub async fn a_deleted_tenant_leaves_no_accepted_events(world: World) {
    world.accept(&events(&["a"]), 1).await;
    world.begin_as(&world.owner, 9).await;
    world.store().delete_tenant(&world.acme).await.unwrap();
    assert_eq!(world.store().depth(at(2)).await.unwrap().accepted, 0);
    world.store().put_tenant(&world.acme).await.unwrap();
    assert_eq!(world.begin_as(&world.owner, 9).await, []);
    let found = world.store().event(&world.acme, &event("a").id).await;
    assert_eq!(found.unwrap(), None);
    assert_eq!(world.accept(&events(&["a"]), 3).await, [Acceptance::New]);
    assert_eq!(world.begin_as(&world.owner, 9).await, untried(&["a"]));
}

pub async fn accepted_events_are_never_pruned(world: World) {
    world.accept(&events(&["a"]), 1).await;
    while world
        .store()
        .prune(at(900 * DAY), at(900 * DAY))
        .await
        .unwrap()
    {}
    assert_eq!(world.begin_as(&world.owner, 9).await, untried(&["a"]));
}
