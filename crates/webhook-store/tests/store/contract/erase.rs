//! Guarantees of the erasure of payloads.

use bytes::Bytes;
use webhook_model::DeliveryState::{Dead, InFlight, Succeeded};
use webhook_model::{DeliveryId, EventState, Rejected};
use webhook_store::{
    Acceptance, DeliveryFilter, Erased, EventFilter, ListedEvent, NextState, Planned,
    RejectedFilter,
};

use super::rejected::rejected;
use crate::world::{
    World, at, claimed, dead, due, event, failure, listed, of_delivery, planned, success,
};

async fn erase(world: &World, id: &str, ms: u64) -> Option<u64> {
    let erased = world.store().erase(&world.acme, id, at(ms)).await.unwrap();
    erased.map(|Erased { deliveries }| deliveries)
}

async fn body(world: &World, id: &DeliveryId) -> Option<Bytes> {
    world.store().delivery_body(&world.acme, id).await.unwrap()
}

async fn reason(world: &World, id: &DeliveryId) -> (webhook_model::DeliveryState, String) {
    let delivery = world.get(id).await;
    (delivery.state, delivery.reason.unwrap_or_default())
}

/// Returns the number of dead deliveries and rejected events, and that of pending ones.
async fn depth(world: &World) -> (u64, u64) {
    let depth = world.store().depth(at(0)).await.unwrap();
    (depth.dead, depth.pending)
}

pub async fn an_erased_event_keeps_its_record_without_its_payload(world: World) {
    let other = world.add("other").await;
    let mut own = due(&other, 50);
    own.body = Some(b"rendered".to_vec().into());
    let failed = dead(&world.add("failed").await, "no such key: `secret`");
    let ids = world
        .plan(event("e"), &[claimed(&world.orders), own, failed], 1)
        .await;
    world.succeed(&ids[0], 2).await;
    world.one(event("f"), due(&world.orders, 60), 1).await;
    assert_eq!(erase(&world, "unknown", 3).await, None);
    assert_eq!(erase(&world, "e", 3).await, Some(1));
    let found = world
        .store()
        .event_details(&world.acme, &event("e").id)
        .await;
    let found = found.unwrap().unwrap();
    assert_eq!(
        (found.event.data.len(), &*found.event.kind),
        (0, "order.shipped")
    );
    let listed_events = world
        .store()
        .events(&world.acme, &EventFilter::default(), None, 9)
        .await;
    let erased = |listed: &ListedEvent| match listed {
        ListedEvent::Kept(event) => (event.id.to_string(), event.erased),
        ListedEvent::Rejected(rejected) => panic!("{rejected:?}"),
    };
    let listed_events: Vec<_> = listed_events.unwrap().items.iter().map(erased).collect();
    assert_eq!(listed_events, [("f".into(), false), ("e".into(), true)]);
    assert_eq!(world.get(&ids[0]).await.attempts, [listed(success(2))]);
    for id in &ids {
        assert_eq!(body(&world, id).await, Some(Bytes::new()));
    }
    assert_eq!(world.state(&ids[0]).await, Succeeded);
    assert_eq!(reason(&world, &ids[1]).await, (Dead, "erased".into()));
    // Its reason could quote the data.
    assert_eq!(reason(&world, &ids[2]).await, (Dead, "erased".into()));
    assert_eq!(depth(&world).await, (2, 1));
    assert_eq!(world.claim(&other, 9, 99).await, []);
    assert_eq!(erase(&world, "e", 4).await, Some(0));
}

pub async fn requests_and_responses_of_an_erased_event_are_deleted(world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    world.retry(&id, 3, 2).await;
    assert_eq!(world.get(&id).await.attempts, [failure(2)]);
    assert_eq!(erase(&world, "e", 3).await, Some(1));
    let delivery = world.get(&id).await;
    assert_eq!(delivery.attempts, [listed(failure(2))]);
    assert_eq!(
        (delivery.state, delivery.reason.as_deref()),
        (Dead, Some("erased"))
    );
    assert!(!world.is_due(99).await);
}

pub async fn an_erased_delivery_in_flight_is_not_retried(world: World) {
    let names = ["lost", "fails", "succeeds"];
    let mut ids = Vec::new();
    for name in names {
        ids.push(world.one(event(name), claimed(&world.orders), 1).await);
        assert_eq!(erase(&world, name, 2).await, Some(1));
    }
    world.retry(&ids[1], 9, 3).await;
    world.succeed(&ids[2], 3).await;
    assert_eq!(reason(&world, &ids[1]).await, (Dead, "erased".into()));
    assert_eq!(world.state(&ids[2]).await, Succeeded);
    for (id, attempt) in [(&ids[1], failure(3)), (&ids[2], success(3))] {
        assert_eq!(world.get(id).await.attempts, [listed(attempt)]);
    }
    let again = world.outcome(
        &world.get(&ids[1]).await,
        Some(failure(3)),
        NextState::Due(at(9)),
    );
    let again = world.store().complete(&world.owner, &[again], at(4)).await;
    assert_eq!(again.unwrap(), [true]);
    world
        .store()
        .release_lease(&world.owner, at(5))
        .await
        .unwrap();
    world.recover(6).await;
    assert_eq!(reason(&world, &ids[0]).await, (Dead, "erased".into()));
    assert!(!world.is_due(99).await);
    assert_eq!(depth(&world).await, (2, 0));
}

pub async fn an_erased_delivery_in_flight_is_dead_after_a_restart(mut world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    assert_eq!(erase(&world, "e", 2).await, Some(1));
    world.restart(3).await;
    world.recover(4).await;
    assert_eq!(reason(&world, &id).await, (Dead, "erased".into()));
    assert!(!world.is_due(99).await);
}

pub async fn an_erased_delivery_is_not_replayed(world: World) {
    let other = world.add("other").await;
    let ids = world
        .plan(event("e"), &[claimed(&world.orders), dead(&other, "no")], 1)
        .await;
    world.succeed(&ids[0], 2).await;
    erase(&world, "e", 3).await.unwrap();
    for filter in [
        of_delivery(&ids[0]),
        of_delivery(&ids[1]),
        DeliveryFilter::default(),
    ] {
        assert_eq!(world.count_replayable(&filter).await, 0);
        assert_eq!(world.replay(&filter, 4).await, 0);
    }
    assert_eq!(world.states(&ids).await, [Succeeded, Dead]);
}

pub async fn an_erased_id_stays_known(world: World) {
    world.one(event("e"), due(&world.orders, 9), 1).await;
    for id in ["e", "f"] {
        // No new event is planned while one waits.
        if id == "f" {
            world.accept(&[event("f")], 1).await;
        }
        erase(&world, id, 2).await.unwrap();
        let mut other = event(id);
        other.data = "{}".into();
        for again in [event(id), other] {
            assert_eq!(
                world.accept(std::slice::from_ref(&again), 3).await,
                [Acceptance::Known]
            );
            let batch = vec![planned(&world.acme, again, &[due(&world.orders, 9)])];
            let result = world.plan_as(&world.owner, &world.acme, batch, 3).await;
            assert_eq!(result, [Planned::Known]);
        }
    }
}

pub async fn an_erased_accepted_event_is_not_planned(world: World) {
    world.accept(&[event("e"), event("f")], 1).await;
    assert_eq!(world.begin_as(&world.owner, 9).await.len(), 2);
    assert_eq!(erase(&world, "e", 2).await, Some(0));
    let batch = ["e", "f"].map(|id| planned(&world.acme, event(id), &[due(&world.orders, 9)]));
    // The planner has read the event before.
    let planned = world.plan_accepted(vec![batch[0].clone()], 3).await;
    assert_eq!(planned, [Planned::Known]);
    let planned = world.plan_accepted(vec![batch[1].clone()], 3).await;
    assert!(matches!(planned[..], [Planned::New { .. }]));
    let found = world
        .store()
        .event_details(&world.acme, &event("e").id)
        .await;
    let found = found.unwrap().unwrap();
    assert_eq!(
        (found.state, found.event.data.len()),
        (EventState::Planned, 0)
    );
    assert_eq!(world.store().depth(at(3)).await.unwrap().accepted, 0);
    let all = world.list(&DeliveryFilter::default()).await;
    assert_eq!(all.len(), 1);
}

pub async fn the_next_of_a_group_is_due_after_an_erasure(world: World) {
    let first = world
        .one(event("a"), due(&world.orders, 5).ordered(), 1)
        .await;
    let second = world
        .one(event("b"), due(&world.orders, 5).ordered(), 1)
        .await;
    let third = world
        .one(event("c"), due(&world.orders, 5).ordered(), 1)
        .await;
    assert_eq!(erase(&world, "b", 2).await, Some(1));
    assert_eq!(world.claim_ids(6).await, std::slice::from_ref(&first));
    assert_eq!(erase(&world, "a", 7).await, Some(1));
    assert!(!world.is_due(8).await, "the first is in flight");
    world.succeed(&first, 8).await;
    assert_eq!(world.claim_ids(9).await, std::slice::from_ref(&third));
    world.retry(&third, 10, 9).await;
    let fourth = world
        .one(event("d"), due(&world.orders, 5).ordered(), 9)
        .await;
    assert_eq!(erase(&world, "c", 10).await, Some(1));
    assert_eq!(world.claim_ids(11).await, std::slice::from_ref(&fourth));
    let states = [Succeeded, Dead, Dead, InFlight];
    assert_eq!(world.states(&[first, second, third, fourth]).await, states);
}

pub async fn an_erased_rejected_event_keeps_what_identifies_it(world: World) {
    let full = Rejected {
        tenant: Some(world.acme.clone()),
        reason: "`data` is not JSON: s3cret".into(),
        fields: vec![
            ("id".into(), "evt".into()),
            ("data".into(), "s3cret".into()),
            ("ordering_key".into(), "s3cret".into()),
            ("type".into(), "a.b".into()),
        ],
        ..rejected("1-0", 5)
    };
    let foreign = rejected("2-0", 5);
    let both = [full.clone(), foreign.clone()];
    world.store().reject(&both).await.unwrap();
    assert_eq!(erase(&world, "1-0", 6).await, Some(0));
    assert_eq!(erase(&world, "2-0", 6).await, None, "of no tenant");
    let page = world
        .store()
        .rejected(&RejectedFilter::All, None, 9)
        .await
        .unwrap();
    let erased = Rejected {
        reason: "erased".into(),
        fields: vec![("id".into(), "evt".into()), ("type".into(), "a.b".into())],
        ..full
    };
    assert_eq!(page.items, [foreign, erased]);
}
