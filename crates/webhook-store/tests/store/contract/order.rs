//! Guarantees of ordered deliveries.

use webhook_model::DeliveryState::{Dead, InFlight, Pending, Succeeded};
use webhook_model::{DeliveryId, Event};
use webhook_store::{NextState, Planned};

use crate::world::{World, at, claimed, dead, due, event, keyed, of_delivery, of_state, planned};

/// Plans ordered events that start claimed: the first is in flight, the others wait.
async fn line(world: &World, ids: &[&str]) -> Vec<DeliveryId> {
    let mut line = Vec::new();
    for id in ids {
        line.push(
            world
                .one(event(id), claimed(&world.orders).ordered(), 1)
                .await,
        );
    }
    let mut states = vec![Pending; ids.len()];
    states[0] = InFlight;
    assert_eq!(world.states(&line).await, states);
    line
}

pub async fn the_first_is_claimed_and_the_second_waits(world: World) {
    let events =
        ["a", "b"].map(|id| planned(&world.acme, event(id), &[claimed(&world.orders).ordered()]));
    let [a, b] = events
        .each_ref()
        .map(|event| event.deliveries[0].id.clone());
    let result = world
        .plan_as(&world.owner, &world.acme, events.into(), 1)
        .await;
    let claimed = |ids: &[&DeliveryId]| Planned::New {
        claimed: ids.iter().copied().cloned().collect(),
    };
    assert_eq!(result, [claimed(&[&a]), claimed(&[])]);
    let waiting = world.get(&b).await;
    assert_eq!((waiting.state, waiting.next_attempt_at), (Pending, None));
    assert_eq!(world.due(99).await, (vec![], None));
    assert_eq!(world.claim_ids(99).await, []);
    assert_eq!(world.store().depth(at(99)).await.unwrap().pending, 1);
}

pub async fn the_next_is_due_after_a_success(world: World) {
    let ids = line(&world, &["a", "b", "c"]).await;
    world.succeed(&ids[0], 5).await;
    assert_eq!(world.get(&ids[1]).await.next_attempt_at, Some(at(5)));
    assert_eq!(world.claim_ids(5).await, ids[1..2]);
    world.succeed(&ids[1], 6).await;
    assert_eq!(world.claim_ids(6).await, ids[2..]);
    world.succeed(&ids[2], 7).await;
    // The group is empty, so the next event is the first at once.
    let id = world
        .one(event("d"), claimed(&world.orders).ordered(), 8)
        .await;
    assert_eq!(world.state(&id).await, InFlight);
}

pub async fn the_next_is_due_after_a_burial(world: World) {
    let ids = line(&world, &["a", "b"]).await;
    world.bury(&ids[0], 5).await;
    assert_eq!(world.claim_ids(5).await, ids[1..]);
}

pub async fn the_next_waits_while_the_first_is_retried(world: World) {
    let ids = line(&world, &["a", "b"]).await;
    world.retry(&ids[0], 50, 5).await;
    assert_eq!(world.due(49).await, (vec![], Some(at(50))));
    assert_eq!(world.claim_ids(60).await, ids[..1]);
    world.succeed(&ids[0], 61).await;
    assert_eq!(world.claim_ids(61).await, ids[1..]);
}

pub async fn the_next_waits_while_the_first_is_released(world: World) {
    let ids = line(&world, &["a", "b"]).await;
    assert!(
        world
            .complete(&ids[0], None, NextState::Due(at(5)), 5)
            .await
    );
    assert_eq!(world.claim_ids(9).await, ids[..1]);
}

pub async fn waiting_deliveries_become_due_in_the_order_of_planning(world: World) {
    // In the order of planning, not of ids or due times.
    let mut ids = Vec::new();
    for (id, ms) in [("m", 30), ("z", 20), ("a", 40), ("k", 10)] {
        ids.push(
            world
                .one(event(id), due(&world.orders, ms).ordered(), 1)
                .await,
        );
    }
    for id in ids {
        assert_eq!(world.claim_ids(99).await, std::slice::from_ref(&id));
        world.succeed(&id, 99).await;
    }
}

pub async fn thousands_of_deliveries_of_a_group_wait(world: World) {
    const MANY: usize = 9000;
    let to = [claimed(&world.orders).ordered()];
    let events: Vec<_> = (0..MANY)
        .map(|n| planned(&world.acme, event(&format!("e{n}")), &to))
        .collect();
    let ids: Vec<_> = events
        .iter()
        .map(|event| event.deliveries[0].id.clone())
        .collect();
    let planned = world.plan_as(&world.owner, &world.acme, events, 1).await;
    let first = Planned::New {
        claimed: ids[..1].to_vec(),
    };
    let waits = Planned::New { claimed: vec![] };
    assert_eq!(planned.len(), MANY);
    assert_eq!(planned[0], first);
    assert!(planned[1..].iter().all(|planned| *planned == waits));
    world.succeed(&ids[0], 5).await;
    assert_eq!(world.claim_ids(5).await, ids[1..2]);
}

pub async fn ordering_keys_do_not_wait_for_each_other(world: World) {
    let to = || claimed(&world.orders).ordered();
    let other = world.add("other").await;
    let a1 = world.one(keyed("a1", "a"), to(), 1).await;
    let b1 = world.one(keyed("b1", "b"), to(), 1).await;
    let a2 = world.one(keyed("a2", "a"), to(), 1).await;
    let elsewhere = world
        .one(keyed("a3", "a"), claimed(&other).ordered(), 1)
        .await;
    let all = [a1.clone(), b1.clone(), a2.clone(), elsewhere];
    assert_eq!(
        world.states(&all).await,
        [InFlight, InFlight, Pending, InFlight]
    );
    world.succeed(&b1, 2).await;
    assert_eq!(world.claim_ids(3).await, []);
    world.succeed(&a1, 4).await;
    assert_eq!(world.claim_ids(4).await, [a2]);
}

pub async fn deliveries_without_an_ordering_key_are_a_group(world: World) {
    let to = || claimed(&world.orders).ordered();
    for (n, first) in [event("none"), keyed("empty", ""), keyed("equals", "=")]
        .into_iter()
        .enumerate()
    {
        let second = Event {
            id: event(&format!("second{n}")).id,
            ..first.clone()
        };
        let first = world.one(first, to(), 1).await;
        let second = world.one(second, to(), 1).await;
        assert_eq!(world.states(&[first, second]).await, [InFlight, Pending]);
    }
}

pub async fn an_unordered_delivery_does_not_wait(world: World) {
    line(&world, &["a", "b"]).await;
    let free = world.one(event("free"), claimed(&world.orders), 1).await;
    assert_eq!(world.state(&free).await, InFlight);
}

pub async fn a_delivery_that_starts_dead_delays_no_other(world: World) {
    world
        .one(event("a"), dead(&world.orders, "no").ordered(), 1)
        .await;
    let ids = line(&world, &["b", "c"]).await;
    let gone = world
        .one(event("d"), dead(&world.orders, "no").ordered(), 1)
        .await;
    assert_eq!(world.state(&gone).await, Dead);
    world.succeed(&ids[0], 2).await;
    assert_eq!(world.claim_ids(2).await, ids[1..]);
}

pub async fn a_waiting_delivery_is_not_due_before_its_time(world: World) {
    let first = world
        .one(event("a"), claimed(&world.orders).ordered(), 1)
        .await;
    let second = world
        .one(event("b"), due(&world.orders, 50).ordered(), 1)
        .await;
    world.succeed(&first, 5).await;
    assert_eq!(world.due(49).await, (vec![], Some(at(50))));
    assert_eq!(world.claim_ids(50).await, [second]);
}

pub async fn a_replayed_delivery_waits_for_its_group(world: World) {
    let ids = line(&world, &["a", "b", "c"]).await;
    world.bury(&ids[0], 5).await;
    assert_eq!(world.claim_ids(5).await, ids[1..2]);
    assert_eq!(world.replay(&of_delivery(&ids[0]), 6).await, 1);
    assert_eq!(world.states(&ids).await, [Pending, InFlight, Pending]);
    assert_eq!(world.claim_ids(6).await, []);
    // It was planned before the third.
    world.succeed(&ids[1], 7).await;
    assert_eq!(world.claim_ids(7).await, ids[..1]);
    world.succeed(&ids[0], 8).await;
    assert_eq!(world.claim_ids(8).await, ids[2..]);
}

pub async fn a_replay_of_many_keeps_their_order(world: World) {
    let ids = line(&world, &["c", "a", "b"]).await;
    for id in &ids {
        world.bury(id, 5).await;
        world.claim_ids(5).await;
    }
    assert_eq!(world.states(&ids).await, [Dead, Dead, Dead]);
    assert_eq!(world.replay(&of_state(Dead), 6).await, 3);
    for id in ids {
        assert_eq!(world.claim_ids(9).await, std::slice::from_ref(&id));
        world.succeed(&id, 9).await;
    }
}

pub async fn deleting_the_endpoint_buries_waiting_deliveries(world: World) {
    let ids = line(&world, &["a", "b", "c"]).await;
    world
        .store()
        .delete_endpoint(&world.acme, &world.orders, at(2))
        .await
        .unwrap();
    assert_eq!(world.states(&ids).await, [InFlight, Dead, Dead]);
    world.succeed(&ids[0], 3).await;
    assert_eq!(world.states(&ids).await, [Succeeded, Dead, Dead]);
    assert_eq!(world.due(99).await, (vec![], None));
}

pub async fn order_survives_a_lost_lease(world: World) {
    let ids = line(&world, &["a", "b"]).await;
    world
        .store()
        .release_lease(&world.owner, at(2))
        .await
        .unwrap();
    let owner = crate::world::sender("second");
    world
        .store()
        .acquire_lease(&owner, at(3), at(1_000))
        .await
        .unwrap();
    let claims = world.claim_as(&owner, &world.orders, 9, 3).await;
    assert_eq!(
        claims.iter().map(|claim| &claim.id).collect::<Vec<_>>(),
        [&ids[0]]
    );
    assert!(
        world
            .complete_as(&owner, &ids[0], None, NextState::Succeeded, 4)
            .await
    );
    let claims = world.claim_as(&owner, &world.orders, 9, 5).await;
    assert_eq!(
        claims.iter().map(|claim| &claim.id).collect::<Vec<_>>(),
        [&ids[1]]
    );
}

pub async fn order_survives_a_restart(mut world: World) {
    let ids = line(&world, &["a", "b"]).await;
    world.restart(3).await;
    let third = world
        .one(event("c"), claimed(&world.orders).ordered(), 4)
        .await;
    assert_eq!(world.state(&third).await, Pending);
    for id in [&ids[0], &ids[1], &third] {
        assert_eq!(world.claim_ids(5).await, std::slice::from_ref(id));
        world.succeed(id, 5).await;
    }
}
