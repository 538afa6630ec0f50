//! Guarantees of pruning, corrected due times, depth and ping.

use webhook_model::DeliveryState::{Dead, InFlight, Pending, Succeeded};
use webhook_model::{DeliveryId, EventId};
use webhook_store::{DeliveryFilter, Depth, Planned, RejectedFilter};

use super::rejected::rejected;
use crate::world::{DAY, World, at, claimed, dead, due, event, failure, planned};

/// Prunes until there is nothing more to delete. A call first passes the time `now` to the store.
async fn prune(world: &World, succeeded: u64, dead: u64, now: u64) {
    world.recover(now).await;
    let mut calls = 0;
    while world.store().prune(at(succeeded), at(dead)).await.unwrap() {
        calls += 1;
        assert!(calls < 1_000, "pruning does not end");
    }
}

async fn has(world: &World, id: &DeliveryId) -> bool {
    world
        .store()
        .delivery(&world.acme, id)
        .await
        .unwrap()
        .is_some()
}

async fn has_event(world: &World, id: &EventId) -> bool {
    world
        .store()
        .event(&world.acme, id)
        .await
        .unwrap()
        .is_some()
}

/// Returns whether an event of that id is planned as new at that time.
async fn is_new(world: &World, id: &str, ms: u64) -> bool {
    let again = planned(&world.acme, event(id), &[dead(&world.orders, "again")]);
    let result = world
        .plan_as(&world.owner, &world.acme, vec![again], ms)
        .await;
    result != [Planned::Known]
}

async fn succeeded(world: &World, id: &str, ms: u64) -> DeliveryId {
    let id = world.one(event(id), claimed(&world.orders), 1).await;
    world.succeed(&id, ms).await;
    id
}

pub async fn old_succeeded_deliveries_are_pruned(world: World) {
    let old = succeeded(&world, "old", 10).await;
    let young = succeeded(&world, "young", 20).await;
    let buried = world
        .one(event("buried"), dead(&world.orders, "no"), 1)
        .await;
    prune(&world, 20, 0, 20).await;
    assert_eq!(
        (has(&world, &old).await, has(&world, &young).await),
        (false, true)
    );
    assert!(has(&world, &buried).await);
    assert_eq!(world.list(&DeliveryFilter::default()).await.len(), 2);
    prune(&world, 21, 0, 21).await;
    assert!(!has(&world, &young).await);
}

pub async fn old_dead_deliveries_are_pruned(world: World) {
    let old = world.one(event("old"), claimed(&world.orders), 1).await;
    world.bury(&old, 10).await;
    let young = world.one(event("young"), claimed(&world.orders), 1).await;
    world.bury(&young, 20).await;
    let done = succeeded(&world, "done", 1).await;
    prune(&world, 0, 20, 20).await;
    assert_eq!(
        (has(&world, &old).await, has(&world, &young).await),
        (false, true)
    );
    assert!(has(&world, &done).await);
    assert_eq!(world.store().depth(at(20)).await.unwrap().dead, 1);
}

pub async fn pending_deliveries_are_never_pruned(world: World) {
    let late = world.one(event("late"), due(&world.orders, 5), 1).await;
    let flying = world.one(event("flying"), claimed(&world.orders), 1).await;
    let first = world
        .one(event("first"), due(&world.orders, 5).ordered(), 1)
        .await;
    let waits = world
        .one(event("waits"), due(&world.orders, 5).ordered(), 1)
        .await;
    prune(&world, 500 * DAY, 500 * DAY, 500 * DAY).await;
    let all = [late.clone(), flying.clone(), first, waits];
    assert_eq!(
        world.states(&all).await,
        [Pending, InFlight, Pending, Pending]
    );
    // Its body is kept too.
    assert_eq!(
        world.claim(&world.orders, 1, 9).await[0].body,
        event("late").data
    );
    world.succeed(&flying, 10).await;
}

pub async fn the_id_of_a_pruned_event_stays_known_for_a_day(world: World) {
    let id = succeeded(&world, "e", 10).await;
    prune(&world, DAY - 1, DAY - 1, DAY - 1).await;
    assert!(!has(&world, &id).await);
    assert!(!is_new(&world, "e", DAY - 1).await);
}

pub async fn an_event_is_pruned_after_a_day(world: World) {
    let id = succeeded(&world, "e", 10).await;
    // The delivery first, or both together.
    for early in [true, false] {
        let id = if early {
            id.clone()
        } else {
            succeeded(&world, "f", 10).await
        };
        if early {
            prune(&world, 20, 20, 20).await;
            assert!(!has(&world, &id).await);
        }
        prune(&world, 3 * DAY, 3 * DAY, 3 * DAY).await;
        assert!(!has(&world, &id).await);
        let event = event(if early { "e" } else { "f" }).id;
        assert!(!has_event(&world, &event).await);
        assert!(is_new(&world, event.as_str(), 3 * DAY).await);
    }
}

pub async fn an_event_stays_with_its_last_delivery(world: World) {
    let other = world.add("other").await;
    let ids = world
        .plan(event("e"), &[claimed(&world.orders), due(&other, 5)], 1)
        .await;
    world.succeed(&ids[0], 2).await;
    prune(&world, 3 * DAY, 3 * DAY, 3 * DAY).await;
    assert_eq!(
        (has(&world, &ids[0]).await, has(&world, &ids[1]).await),
        (false, true)
    );
    assert!(has_event(&world, &event("e").id).await);
    assert!(!is_new(&world, "e", 3 * DAY).await);
    let of_event = DeliveryFilter {
        event: Some(event("e").id),
        ..Default::default()
    };
    assert_eq!(world.list(&of_event).await.len(), 1);
    assert_eq!(
        world.claim(&other, 1, 3 * DAY).await[0].body,
        event("e").data
    );
    world.succeed(&ids[1], 3 * DAY).await;
    prune(&world, 6 * DAY, 6 * DAY, 6 * DAY).await;
    assert!(!has_event(&world, &event("e").id).await);
}

pub async fn an_event_without_deliveries_is_pruned_after_a_day(world: World) {
    world.plan(event("e"), &[], 1).await;
    prune(&world, DAY - 1, DAY - 1, DAY - 1).await;
    assert!(!is_new(&world, "e", DAY - 1).await);
    prune(&world, 3 * DAY, 3 * DAY, 3 * DAY).await;
    assert!(is_new(&world, "e", 3 * DAY).await);
}

pub async fn old_rejected_events_are_pruned(world: World) {
    world
        .store()
        .reject(&[rejected("1-0", 10), rejected("2-0", 20)])
        .await
        .unwrap();
    prune(&world, 99, 20, 99).await;
    let left = world
        .store()
        .rejected(&RejectedFilter::All, None, 10)
        .await
        .unwrap()
        .items;
    assert_eq!(left, [rejected("2-0", 20)]);
    assert_eq!(world.store().depth(at(99)).await.unwrap().dead, 1);
}

pub async fn pruning_ends(world: World) {
    for batch in 0..8 {
        let start = |n| {
            if n % 4 == 0 {
                due(&world.orders, 5)
            } else {
                dead(&world.orders, "no")
            }
        };
        let one = |n| planned(&world.acme, event(&format!("{batch}-{n}")), &[start(n)]);
        world
            .plan_as(
                &world.owner,
                &world.acme,
                (0..400).map(one).collect(),
                batch,
            )
            .await;
    }
    let rejected: Vec<_> = (0..1_500).map(|n| rejected(&format!("{n}-0"), 1)).collect();
    world.store().reject(&rejected).await.unwrap();
    prune(&world, 3 * DAY, 3 * DAY, 3 * DAY).await;
    let depth = world.store().depth(at(3 * DAY)).await.unwrap();
    assert_eq!((depth.pending, depth.dead), (800, 0));
    assert_eq!(world.list(&DeliveryFilter::default()).await.len(), 800);
    prune(&world, 3 * DAY, 3 * DAY, 3 * DAY).await;
    assert_eq!(world.claim(&world.orders, 1_000, 3 * DAY).await.len(), 800);
}

pub async fn a_clock_that_was_ahead_delays_nothing_once_it_is_set_back(world: World) {
    const HOUR: u64 = 3_600_000;
    let waits_legally = world.one(event("legal"), claimed(&world.orders), 1).await;
    world.retry(&waits_legally, 2 * HOUR, 1).await;
    let replayed = succeeded(&world, "replayed", 2).await;
    // All of them an hour ahead.
    let untried = world.one(event("untried"), due(&world.orders, HOUR), HOUR);
    let untried = untried.await;
    let retried = world
        .one(event("retried"), claimed(&world.orders), HOUR)
        .await;
    world.retry(&retried, HOUR + 5_007, HOUR).await;
    let first = world.one(event("first"), claimed(&world.orders).ordered(), HOUR);
    let first = first.await;
    let second = world.one(event("second"), claimed(&world.orders).ordered(), HOUR);
    let second = second.await;
    let of_one = crate::world::of_delivery(&replayed);
    assert_eq!(world.replay(&of_one, HOUR).await, 1);
    assert!(!world.is_due(10_000).await);

    let rewound = world.store().rewind(at(10_000)).await.unwrap();
    assert_eq!(rewound, 3, "untried, retried and replayed");
    let due = async |id| world.get(id).await.next_attempt_at;
    assert_eq!(due(&untried).await, Some(at(10_000)));
    assert_eq!(due(&replayed).await, Some(at(10_000)));
    assert_eq!(due(&retried).await, Some(at(15_000)), "it keeps its wait");
    assert_eq!(due(&waits_legally).await, Some(at(2 * HOUR)));
    assert_eq!(world.get(&retried).await.attempts, [failure(10_000 - 7)]);
    let depth = world.store().depth(at(10_000)).await.unwrap();
    assert_eq!(depth.oldest_due, Some(at(10_000)));
    // Waiting deliveries are corrected too.
    world.succeed(&first, 10_001).await;
    assert_eq!(due(&second).await, Some(at(10_001)));
    assert_eq!(world.claim(&world.orders, 10, 10_001).await.len(), 3);
    // A second correction, for instance by another process, finds nothing more.
    assert_eq!(world.store().rewind(at(10_001)).await.unwrap(), 0);
    assert_eq!(due(&retried).await, Some(at(15_000)));
}

pub async fn a_claim_made_ahead_of_time_is_due_when_returned(world: World) {
    let ahead = 3_600_000;
    let id = world
        .one(event("e"), due(&world.orders, ahead), ahead)
        .await;
    let other = crate::world::sender("other");
    let until = at(1_000);
    world
        .store()
        .acquire_lease(&other, at(0), until)
        .await
        .unwrap();
    assert_eq!(
        world.claim_as(&other, &world.orders, 1, ahead).await.len(),
        1
    );
    assert_eq!(world.store().rewind(at(10_000)).await.unwrap(), 0);
    assert_eq!(world.recover(10_001).await, 1);
    assert_eq!(world.claim_ids(10_001).await, [id]);
}

pub async fn many_due_times_are_corrected(world: World) {
    let ahead = 3_600_000;
    let one = |n| {
        planned(
            &world.acme,
            event(&format!("e{n}")),
            &[due(&world.orders, ahead)],
        )
    };
    let events = (0..1_200).map(one).collect();
    world
        .plan_as(&world.owner, &world.acme, events, ahead)
        .await;
    assert_eq!(world.store().rewind(at(5)).await.unwrap(), 1_200);
    assert_eq!(world.claim(&world.orders, 2_000, 5).await.len(), 1_200);
}

pub async fn depth_counts_waiting_deliveries(mut world: World) {
    assert_eq!(world.store().depth(at(0)).await.unwrap(), Depth::default());
    world.one(event("due"), due(&world.orders, 5), 1).await;
    world.one(event("late"), due(&world.orders, 500), 1).await;
    let head = world
        .one(event("head"), claimed(&world.orders).ordered(), 1)
        .await;
    world
        .one(event("waits"), claimed(&world.orders).ordered(), 1)
        .await;
    world.one(event("dead"), dead(&world.orders, "no"), 1).await;
    succeeded(&world, "done", 2).await;
    world.store().reject(&[rejected("1-0", 1)]).await.unwrap();
    let depth = Depth {
        accepted: 0,
        pending: 3,
        in_flight: 1,
        dead: 2,
        oldest_due: Some(at(5)),
    };
    assert_eq!(world.store().depth(at(9)).await.unwrap(), depth);
    assert_eq!(world.state(&head).await, InFlight);
    world.restart(9).await;
    let depth = world.store().depth(at(9)).await.unwrap();
    assert_eq!((depth.pending, depth.in_flight, depth.dead), (4, 0, 2));
}

pub async fn depth_has_the_oldest_due_time(world: World) {
    let other = world.add("other").await;
    world.one(event("a"), due(&world.orders, 30), 1).await;
    world.one(event("b"), due(&other, 20), 1).await;
    for (now, oldest) in [(19, None), (20, Some(20)), (99, Some(20))] {
        assert_eq!(
            world.store().depth(at(now)).await.unwrap().oldest_due,
            oldest.map(at)
        );
    }
    world.claim(&other, 1, 20).await;
    assert_eq!(
        world.store().depth(at(99)).await.unwrap().oldest_due,
        Some(at(30))
    );
    let states = world.list(&DeliveryFilter::default()).await;
    assert!(
        states
            .iter()
            .all(|delivery| delivery.state != Dead && delivery.state != Succeeded)
    );
}

pub async fn ping_succeeds_for_a_working_store(world: World) {
    world.store().ping().await.unwrap();
}
