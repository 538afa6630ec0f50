//! Guarantees of replays.

use webhook_model::DeliveryState::{Dead, InFlight, Pending, Succeeded};
use webhook_model::{DeliveryId, DeliveryState};
use webhook_store::{DeliveryFilter, NextState, ReplayBodies};

use crate::world::{
    To, World, at, claimed, dead, due, event, failure, of_delivery, of_state, planned, success,
};

async fn buried(world: &World, id: &str, ms: u64) -> DeliveryId {
    let id = world.one(event(id), claimed(&world.orders), ms).await;
    world.bury(&id, ms).await;
    id
}

pub async fn a_dead_delivery_is_due_again(world: World) {
    let id = buried(&world, "e", 1).await;
    assert_eq!(world.replay(&of_delivery(&id), 9).await, 1);
    let delivery = world.get(&id).await;
    assert_eq!(
        (delivery.state, delivery.next_attempt_at),
        (Pending, Some(at(9)))
    );
    assert_eq!(delivery.reason, None);
    assert_eq!(world.store().depth(at(9)).await.unwrap().dead, 0);
    assert_eq!(world.due(9).await.0[0].at, at(9));
    let claim = world.claim(&world.orders, 1, 9).await.remove(0);
    assert_eq!((claim.id, claim.body), (id, event("e").data));
}

pub async fn a_success_can_be_replayed(world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    world.succeed(&id, 2).await;
    assert_eq!(world.replay(&of_delivery(&id), 9).await, 1);
    assert_eq!(world.claim_ids(9).await, std::slice::from_ref(&id));
    world.succeed(&id, 10).await;
    assert_eq!(world.get(&id).await.attempts, [success(2), success(10)]);
}

pub async fn a_replay_does_not_affect_pending_and_in_flight_deliveries(world: World) {
    let flying = world.one(event("e"), claimed(&world.orders), 1).await;
    let pending = world.one(event("f"), due(&world.orders, 50), 1).await;
    let all = DeliveryFilter::default();
    for filter in [
        &all,
        &of_state(InFlight),
        &of_state(Pending),
        &of_delivery(&flying),
        &of_delivery(&pending),
    ] {
        assert_eq!(world.replay(filter, 9).await, 0);
    }
    assert_eq!(world.state(&flying).await, InFlight);
    assert_eq!(world.get(&pending).await.next_attempt_at, Some(at(50)));
    world.succeed(&flying, 10).await;
}

pub async fn a_replay_restarts_the_schedule_and_keeps_attempts(world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    world.retry(&id, 2, 2).await;
    world.claim_ids(2).await;
    world.bury(&id, 3).await;
    assert_eq!(world.replay(&of_delivery(&id), 4).await, 1);
    let claim = world.claim(&world.orders, 1, 4).await.remove(0);
    assert_eq!(claim.attempts_made, 0);
    world.retry(&id, 5, 5).await;
    assert_eq!(world.claim(&world.orders, 1, 5).await[0].attempts_made, 1);
    let attempts = world.get(&id).await.attempts;
    assert_eq!(attempts, [failure(2), failure(3), failure(5)]);
}

pub async fn a_replay_of_pending_deliveries_makes_those_due_whose_attempt_failed(world: World) {
    let failed = world.one(event("failed"), claimed(&world.orders), 1).await;
    world.retry(&failed, 900, 2).await;
    let overdue = world.one(event("overdue"), claimed(&world.orders), 1).await;
    world.retry(&overdue, 5, 2).await;
    let new = world.one(event("new"), due(&world.orders, 800), 1).await;
    let flying = world.one(event("flying"), claimed(&world.orders), 1).await;
    let ended = buried(&world, "dead", 1).await;
    let ordered = due(&world.orders, 1).ordered();
    let first = world.one(event("first"), ordered.clone(), 1).await;
    let waits = world.one(event("waits"), ordered, 1).await;
    assert_eq!(world.claim(&world.orders, 1, 2).await[0].id, first);
    world.retry(&first, 700, 3).await;
    let pending = of_state(Pending);
    assert_eq!(world.count_replayable(&pending).await, 3);
    assert_eq!(world.replay(&pending, 10).await, 3);
    let states = world.states(&[flying.clone(), ended, waits]).await;
    assert_eq!(states, [InFlight, Dead, Pending]);
    assert_eq!(world.get(&new).await.next_attempt_at, Some(at(800)));
    assert_eq!(world.get(&overdue).await.next_attempt_at, Some(at(5)));
    let claims = world.claim(&world.orders, 9, 10).await;
    let mut found: Vec<_> = claims
        .iter()
        .map(|it| (it.id.clone(), it.attempts_made))
        .collect();
    let mut expected = [failed, overdue, first].map(|id| (id, 0)).to_vec();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    world.succeed(&flying, 11).await;
    // Those that were not attempted since are not made due again.
    assert_eq!(world.replay(&pending, 12).await, 0);
}

pub async fn a_replay_keeps_the_bodies_or_defers_them(world: World) {
    let own = |endpoint| To {
        body: Some(b"rendered".to_vec().into()),
        ..claimed(endpoint)
    };
    let other = world.add("other").await;
    let to = [own(&world.orders), own(&other).ordered()];
    let mut ids = world.plan(event("own"), &to, 1).await;
    ids.push(world.one(event("data"), claimed(&world.orders), 1).await);
    for id in &ids {
        world.bury(id, 2).await;
    }
    let deferred = async |id: &DeliveryId, ms| {
        let (filter, bodies) = (of_delivery(id), ReplayBodies::Deferred);
        let replayed = world.store().replay(&world.acme, &filter, bodies, at(ms));
        replayed.await.unwrap()
    };
    let body = async |id: &DeliveryId| {
        let body = world.store().delivery_body(&world.acme, id).await;
        body.unwrap().unwrap()
    };
    assert_eq!(world.replay(&of_delivery(&ids[0]), 3).await, 1);
    assert_eq!(body(&ids[0]).await, &b"rendered"[..]);
    assert_eq!(
        world.claim(&world.orders, 1, 3).await[0].body,
        &b"rendered"[..]
    );
    world.bury(&ids[0], 4).await;
    for id in &ids {
        assert_eq!(deferred(id, 5).await, 1);
        assert_eq!(body(id).await, "");
    }
    let claims = world.claim(&world.orders, 9, 5).await;
    let bodies: Vec<_> = claims.iter().map(|claim| claim.body.len()).collect();
    assert_eq!(bodies, [0, 0]);
    assert_eq!(world.claim(&other, 9, 5).await[0].body, "");
    // They stay deferred.
    world.retry(&ids[2], 7, 6).await;
    assert_eq!(world.claim(&world.orders, 9, 7).await[0].body, "");
    assert_eq!(deferred(&ids[2], 8).await, 0, "it is in flight");
}

pub async fn a_replay_affects_the_deliveries_that_match_its_filter(world: World) {
    let other = world.add("other").await;
    let filters = |state, endpoint, from: Option<u64>, to: Option<u64>| DeliveryFilter {
        state,
        endpoint,
        from: from.map(at),
        to: to.map(at),
        ..DeliveryFilter::default()
    };
    let any = None::<DeliveryState>;
    for (filter, expected) in [
        (filters(Some(Dead), None, None, None), "a b c"),
        (filters(Some(Succeeded), None, None, None), "d"),
        (filters(any, None, None, None), "a b c d"),
        (filters(any, Some(other.clone()), None, None), "c"),
        (filters(any, None, Some(20), None), "b c d"),
        (filters(any, None, None, Some(20)), "a"),
        (filters(any, None, Some(20), Some(30)), "b"),
        (
            filters(Some(Dead), Some(world.orders.clone()), Some(20), Some(99)),
            "b",
        ),
        (
            DeliveryFilter {
                event: Some(event("b").id),
                ..Default::default()
            },
            "b",
        ),
        (
            DeliveryFilter {
                event: Some(event("none").id),
                ..Default::default()
            },
            "",
        ),
    ] {
        let a = world.one(event("a"), dead(&world.orders, "no"), 10).await;
        let b = world.one(event("b"), dead(&world.orders, "no"), 20).await;
        let c = world.one(event("c"), dead(&other, "no"), 30).await;
        let d = world.one(event("d"), claimed(&world.orders), 40).await;
        world.succeed(&d, 41).await;
        let names: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(
            world.replay(&filter, 50).await,
            names.len() as u64,
            "{filter:?}"
        );
        for (name, id) in [("a", a), ("b", b), ("c", c), ("d", d)] {
            let replayed = world.state(&id).await == Pending;
            assert_eq!(replayed, names.contains(&name), "{name} by {filter:?}");
        }
        world.store().delete_tenant(&world.acme).await.unwrap();
        world.store().put_tenant(&world.acme).await.unwrap();
        world.add("orders").await;
        world.add("other").await;
    }
}

pub async fn a_replay_without_a_match_returns_zero(world: World) {
    let unknown = DeliveryId::parse("dlv_none").unwrap();
    assert_eq!(world.replay(&of_delivery(&unknown), 1).await, 0);
    assert_eq!(world.replay(&DeliveryFilter::default(), 1).await, 0);
    let nobody = crate::world::tenant_id("nobody");
    let filter = DeliveryFilter::default();
    assert_eq!(
        world
            .store()
            .replay(&nobody, &filter, ReplayBodies::Kept, at(1))
            .await
            .unwrap(),
        0
    );
}

pub async fn a_delivery_without_an_endpoint_is_not_replayed(world: World) {
    let id = buried(&world, "e", 1).await;
    world
        .store()
        .delete_endpoint(&world.acme, &world.orders, at(2))
        .await
        .unwrap();
    assert_eq!(world.replay(&of_delivery(&id), 3).await, 0);
    assert_eq!(world.state(&id).await, Dead);
    // It is replayed once its endpoint exists again.
    world.add("orders").await;
    assert_eq!(world.replay(&of_delivery(&id), 4).await, 1);
    assert_eq!(world.claim_ids(4).await, [id]);
}

pub async fn a_delivery_of_a_recreated_endpoint_can_be_replayed(world: World) {
    let to = due(&world.orders, 50);
    let pending = world.one(event("pending"), to, 1).await;
    let flying = world.one(event("flying"), claimed(&world.orders), 1).await;
    let head = claimed(&world.orders).ordered();
    let head = world.one(event("head"), head, 1).await;
    let waits = claimed(&world.orders).ordered();
    let waits = world.one(event("waits"), waits, 1).await;
    let delete = world
        .store()
        .delete_endpoint(&world.acme, &world.orders, at(2));
    assert!(delete.await.unwrap());
    for id in [&flying, &head] {
        let retry = NextState::Due(at(9));
        assert!(world.complete(id, Some(failure(3)), retry, 3).await);
    }
    let ids = [pending, flying, head.clone(), waits.clone()];
    for id in &ids {
        let delivery = world.get(id).await;
        let reason = delivery.reason.as_deref();
        assert_eq!((delivery.state, reason), (Dead, Some("endpoint deleted")));
    }
    world.add("orders").await;
    assert_eq!(world.replay(&of_state(Dead), 10).await, 4);
    // All except the one that waits for the first of its group.
    assert_eq!(world.claim_ids(10).await.len(), 3);
    assert_eq!(world.state(&waits).await, Pending);
    world.succeed(&head, 11).await;
    assert_eq!(world.claim_ids(11).await, [waits]);
}

pub async fn many_deliveries_are_replayed(world: World) {
    for batch in 0..6 {
        let one = |n| {
            planned(
                &world.acme,
                event(&format!("{batch}-{n}")),
                &[dead(&world.orders, "no")],
            )
        };
        world
            .plan_as(&world.owner, &world.acme, (0..200).map(one).collect(), 1)
            .await;
    }
    assert_eq!(world.replay(&of_state(Dead), 2).await, 1_200);
    let depth = world.store().depth(at(2)).await.unwrap();
    assert_eq!(
        (depth.pending, depth.dead, depth.oldest_due),
        (1_200, 0, Some(at(2)))
    );
    assert_eq!(world.replay(&of_state(Dead), 3).await, 0);
    let claims = world.claim(&world.orders, 2_000, 3).await;
    assert_eq!(claims.len(), 1_200);
    let outcome = |claim: &webhook_store::Claim| webhook_store::Outcome {
        tenant: claim.tenant.clone(),
        id: claim.id.clone(),
        endpoint: claim.endpoint.clone(),
        fence: claim.fence,
        attempt: None,
        next: NextState::Succeeded,
    };
    let outcomes: Vec<_> = claims.iter().map(outcome).collect();
    let accepted = world
        .store()
        .complete(&world.owner, &outcomes, at(4))
        .await
        .unwrap();
    assert!(accepted.iter().all(|accepted| *accepted));
}
