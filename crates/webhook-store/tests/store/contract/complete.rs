//! Guarantees of recording outcomes.

use webhook_model::DeliveryState::{Dead, InFlight, Pending, Succeeded};
use webhook_model::{Attempt, Exchange, Phase};
use webhook_store::{NextState, Outcome};

use crate::world::{World, at, claimed, due, event, failure, sender, success};

pub async fn a_success_ends_the_delivery(world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    world.succeed(&id, 2).await;
    let delivery = world.get(&id).await;
    assert_eq!(
        (delivery.state, delivery.next_attempt_at, delivery.reason),
        (Succeeded, None, None)
    );
    assert_eq!(delivery.attempts, [success(2)]);
    assert_eq!(world.due(9_999_999).await, (vec![], None));
    assert_eq!(world.recover(10).await, 0);
}

pub async fn a_retry_is_due_at_its_time(world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    world.retry(&id, 50, 2).await;
    let delivery = world.get(&id).await;
    assert_eq!(
        (delivery.state, delivery.next_attempt_at),
        (Pending, Some(at(50)))
    );
    assert_eq!(world.due(49).await, (vec![], Some(at(50))));
    assert_eq!(world.claim_ids(49).await, []);
    assert_eq!(world.claim_ids(50).await, std::slice::from_ref(&id));
    assert_eq!(world.get(&id).await.next_attempt_at, None);
}

pub async fn a_burial_keeps_the_reason(world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    world.bury(&id, 2).await;
    let delivery = world.get(&id).await;
    assert_eq!(
        (delivery.state, delivery.reason.as_deref()),
        (Dead, Some("gave up"))
    );
    assert_eq!(delivery.attempts, [failure(2)]);
    // Without an attempt too.
    let id = world.one(event("f"), claimed(&world.orders), 3).await;
    assert!(
        world
            .complete(&id, None, NextState::Dead("too old".into()), 4)
            .await
    );
    let delivery = world.get(&id).await;
    assert_eq!(
        (delivery.reason.as_deref(), delivery.attempts.len()),
        (Some("too old"), 0)
    );
    assert_eq!(world.due(9_999_999).await, (vec![], None));
}

pub async fn attempts_are_kept_in_order(world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    let refused = Attempt {
        at: at(3),
        status: None,
        error: Some("connection refused, \u{1f980} \\ \" ,".into()),
        phase: Some(Phase::Connect),
        duration_ms: u32::MAX,
        exchange: Exchange::default(),
    };
    let attempts = [failure(2), refused, failure(1), success(5)];
    for attempt in &attempts[..3] {
        assert!(
            world
                .complete(&id, Some(attempt.clone()), NextState::Due(at(6)), 6)
                .await
        );
        assert_eq!(world.claim(&world.orders, 1, 6).await.len(), 1);
    }
    assert!(
        world
            .complete(&id, Some(attempts[3].clone()), NextState::Succeeded, 7)
            .await
    );
    assert_eq!(world.get(&id).await.attempts, attempts);
}

pub async fn a_release_does_not_count_as_an_attempt(world: World) {
    let id = world.one(event("e"), due(&world.orders, 1), 1).await;
    assert_eq!(world.claim_ids(2).await, std::slice::from_ref(&id));
    assert!(world.complete(&id, None, NextState::Due(at(5)), 3).await);
    let delivery = world.get(&id).await;
    assert_eq!(
        (delivery.state, delivery.next_attempt_at),
        (Pending, Some(at(5)))
    );
    assert_eq!(delivery.attempts, []);
    let claim = world.claim(&world.orders, 1, 6).await.remove(0);
    assert_eq!((claim.attempts_made, claim.due), (0, at(5)));
}

pub async fn an_outcome_counts_once(world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    let outcome = world.outcome(
        &world.get(&id).await,
        Some(success(2)),
        NextState::Succeeded,
    );
    let buried = Outcome {
        next: NextState::Dead("no".into()),
        ..outcome.clone()
    };
    let both = [outcome.clone(), buried];
    let accepted = world
        .store()
        .complete(&world.owner, &both, at(2))
        .await
        .unwrap();
    assert_eq!(accepted, [true, true]);
    let delivery = world.get(&id).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (Succeeded, 1));
    let accepted = world
        .store()
        .complete(&world.owner, &[outcome], at(3))
        .await
        .unwrap();
    assert_eq!(accepted, [true]);
    assert_eq!(world.get(&id).await, delivery);
}

pub async fn an_outcome_recorded_again_changes_nothing(world: World) {
    let outcomes = [
        (Some(success(2)), NextState::Succeeded),
        (Some(failure(2)), NextState::Due(at(9))),
        (Some(failure(2)), NextState::Dead("gave up".into())),
        (None, NextState::Due(at(9))),
        (None, NextState::Dead("too old".into())),
    ];
    for (n, (attempt, next)) in outcomes.into_iter().enumerate() {
        let id = world.one(event(&format!("e{n}")), claimed(&world.orders), 1);
        let id = id.await;
        assert!(world.complete(&id, attempt.clone(), next.clone(), 3).await);
        let (recorded, depth) = (world.get(&id).await, world.store().depth(at(3)).await);
        assert!(world.complete(&id, attempt, next, 4).await);
        assert_eq!(world.get(&id).await, recorded);
        let depth_after = world.store().depth(at(3)).await;
        assert_eq!(depth_after.unwrap(), depth.unwrap());
    }
}

pub async fn a_failure_recorded_again_does_not_affect_the_next_claim(world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    let first = world.outcome(
        &world.get(&id).await,
        Some(failure(2)),
        NextState::Due(at(5)),
    );
    let repeat = async |ms| {
        let outcomes = std::slice::from_ref(&first);
        let recorded = world.store().complete(&world.owner, outcomes, at(ms)).await;
        recorded.unwrap()
    };
    assert_eq!(repeat(2).await, [true]);
    // The reply was lost, and the same sender has claimed the delivery since.
    assert_eq!(world.claim_ids(5).await, std::slice::from_ref(&id));
    assert_eq!(repeat(6).await, [true]);
    assert_eq!(world.state(&id).await, InFlight);
    assert!(!world.is_due(9).await);
    world.succeed(&id, 7).await;
    assert_eq!(repeat(8).await, [true]);
    let delivery = world.get(&id).await;
    assert_eq!(
        (delivery.state, delivery.attempts),
        (Succeeded, vec![failure(2), success(7)])
    );
}

pub async fn an_earlier_claim_cannot_complete_the_next_one_of_the_same_moment(world: World) {
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    let first = world.outcome(
        &world.get(&id).await,
        Some(failure(1)),
        NextState::Due(at(1)),
    );
    assert!(world.complete(&id, None, NextState::Due(at(1)), 1).await);
    assert_eq!(world.claim_ids(1).await, std::slice::from_ref(&id));
    let recorded = world.store().complete(&world.owner, &[first], at(1)).await;
    assert_eq!(recorded.unwrap(), [false]);
    let delivery = world.get(&id).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (InFlight, 0));
    world.succeed(&id, 2).await;
}

pub async fn an_outcome_of_a_delivery_not_in_flight_is_rejected(world: World) {
    let id = world.one(event("e"), due(&world.orders, 1), 1).await;
    assert!(
        !world
            .complete(&id, Some(success(2)), NextState::Succeeded, 2)
            .await
    );
    assert_eq!(world.state(&id).await, Pending);
    let mut unknown = world.outcome(&world.get(&id).await, None, NextState::Succeeded);
    unknown.id = webhook_model::DeliveryId::parse("dlv_none").unwrap();
    assert_eq!(
        world
            .store()
            .complete(&world.owner, &[unknown], at(2))
            .await
            .unwrap(),
        [false]
    );
    assert_eq!(
        world
            .store()
            .complete(&world.owner, &[], at(2))
            .await
            .unwrap(),
        [false; 0]
    );
}

pub async fn an_outcome_of_another_owner_is_rejected(world: World) {
    let second = sender("second");
    world
        .store()
        .acquire_lease(&second, at(1), at(1_000))
        .await
        .unwrap();
    let id = world.one(event("e"), claimed(&world.orders), 1).await;
    for other in [&second, &sender("never here"), &world.owner.reincarnated()] {
        assert!(
            !world
                .complete_as(other, &id, Some(success(2)), NextState::Succeeded, 2)
                .await
        );
    }
    let delivery = world.get(&id).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (InFlight, 0));
    world.succeed(&id, 3).await;
}

pub async fn each_outcome_is_recorded_or_rejected_individually(world: World) {
    let mut outcomes = Vec::new();
    let mut ids = Vec::new();
    for (n, next) in [
        NextState::Succeeded,
        NextState::Due(at(9)),
        NextState::Dead("no".into()),
        NextState::Succeeded,
    ]
    .into_iter()
    .enumerate()
    {
        let to = if n == 3 {
            due(&world.orders, 50)
        } else {
            claimed(&world.orders)
        };
        let id = world.one(event(&format!("e{n}")), to, 1).await;
        outcomes.push(world.outcome(&world.get(&id).await, Some(failure(2)), next));
        ids.push(id);
    }
    outcomes.rotate_right(1);
    let accepted = world
        .store()
        .complete(&world.owner, &outcomes, at(3))
        .await
        .unwrap();
    assert_eq!(accepted, [false, true, true, true]);
    assert_eq!(
        world.states(&ids).await,
        [Succeeded, Pending, Dead, Pending]
    );
}
