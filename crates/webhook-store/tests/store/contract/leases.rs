//! Guarantees of leases, and recovery of deliveries whose lease ended.

use std::process::{Child, Command};

use futures::FutureExt;
use test_support::with_timeout;
use webhook_model::DeliveryState::{InFlight, Pending, Succeeded};
use webhook_model::Owner;
use webhook_store::{NextState, StoreError};

use crate::world::{World, at, claimed, event, planned, sender, success};

/// A child process that runs until it is killed.
struct Process(Child);

impl Process {
    fn new() -> Self {
        Self(Command::new("sleep").arg("600").spawn().unwrap())
    }

    fn as_owner(&self, name: &str) -> Owner {
        Owner {
            pid: self.0.id(),
            ..Owner::this_process(name)
        }
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn enter(world: &World, owner: &Owner, now: u64, until: u64) -> Result<(), StoreError> {
    world.store().acquire_lease(owner, at(now), at(until)).await
}

fn assert_taken(result: Result<(), StoreError>, left: u64) {
    match result {
        Err(StoreError::NameTaken { name, left_ms }) => assert_eq!((&*name, left_ms), ("a", left)),
        other => panic!("{other:?}"),
    }
}

/// Returns an owner `a` with a lease until 1,000 and one delivery in flight.
async fn one_in_flight(world: &World) -> (Owner, webhook_model::DeliveryId) {
    let owner = sender("a");
    enter(world, &owner, 0, 1_000).await.unwrap();
    let event = planned(&world.acme, event("e"), &[claimed(&world.orders)]);
    let id = event.deliveries[0].id.clone();
    world.plan_as(&owner, &world.acme, vec![event], 0).await;
    assert_eq!(world.state(&id).await, InFlight);
    (owner, id)
}

pub async fn a_name_is_taken_while_its_lease_lasts(world: World) {
    enter(&world, &sender("a"), 0, 1_000).await.unwrap();
    assert_taken(enter(&world, &sender("a"), 400, 2_000).await, 600);
    enter(&world, &sender("b"), 400, 2_000).await.unwrap();
}

pub async fn a_name_is_taken_while_its_process_is_alive(world: World) {
    let process = Process::new();
    enter(&world, &process.as_owner("a"), 0, 1_000)
        .await
        .unwrap();
    assert_taken(
        enter(&world, &Owner::this_process("a"), 1, 1_000).await,
        999,
    );
}

pub async fn a_name_is_free_once_its_process_is_known_to_be_gone(world: World) {
    let mut process = Process::new();
    enter(&world, &process.as_owner("a"), 0, 1_000)
        .await
        .unwrap();
    process.kill();
    enter(&world, &Owner::this_process("a"), 1, 1_000)
        .await
        .unwrap();
}

pub async fn a_name_is_free_once_its_lease_has_expired(world: World) {
    let (_, id) = one_in_flight(&world).await;
    enter(&world, &sender("a"), 1_001, 2_000).await.unwrap();
    assert_eq!(world.state(&id).await, Pending);
    assert!(world.is_due(1_001).await);
}

pub async fn acquiring_a_lease_again_extends_it(world: World) {
    let (owner, id) = one_in_flight(&world).await;
    enter(&world, &owner, 500, 2_000).await.unwrap();
    assert_eq!(world.recover(1_500).await, 0);
    assert_eq!(world.state(&id).await, InFlight);
}

pub async fn deliveries_of_a_gone_process_are_due_at_once(world: World) {
    let mut process = Process::new();
    let before = process.as_owner("a");
    enter(&world, &before, 0, 1_000).await.unwrap();
    let event = planned(&world.acme, event("e"), &[claimed(&world.orders)]);
    let id = event.deliveries[0].id.clone();
    world.plan_as(&before, &world.acme, vec![event], 0).await;
    process.kill();

    let after = Owner::this_process("a");
    enter(&world, &after, 1, 1_000).await.unwrap();
    let claims = world.claim_as(&after, &world.orders, 10, 1).await;
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].id, id);
    assert!(
        !world
            .complete_as(&before, &id, None, NextState::Succeeded, 2)
            .await
    );
}

pub async fn a_renewed_lease_is_not_recovered(world: World) {
    let (owner, id) = one_in_flight(&world).await;
    world
        .store()
        .renew(&owner, at(900), at(2_000))
        .await
        .unwrap();
    assert_eq!(world.recover(1_500).await, 0);
    assert_eq!(world.state(&id).await, InFlight);
    assert!(
        world
            .complete_as(
                &owner,
                &id,
                Some(success(1_600)),
                NextState::Succeeded,
                1_600
            )
            .await
    );
}

pub async fn an_expired_lease_is_renewed_unless_another_process_ended_it(world: World) {
    let (owner, id) = one_in_flight(&world).await;
    world
        .store()
        .renew(&owner, at(1_500), at(2_000))
        .await
        .unwrap();
    assert_eq!(world.recover(1_600).await, 0);
    assert_eq!(world.state(&id).await, InFlight);
}

pub async fn no_process_ends_its_own_lease(world: World) {
    let (owner, id) = one_in_flight(&world).await;
    assert_eq!(world.store().recover(&owner, at(5_000)).await.unwrap(), 0);
    assert_eq!(world.state(&id).await, InFlight);
    assert!(!world.is_due(5_000).await);
    world
        .store()
        .renew(&owner, at(5_001), at(9_000))
        .await
        .unwrap();
    assert!(
        world
            .complete_as(&owner, &id, Some(success(5)), NextState::Succeeded, 5_002)
            .await
    );
}

pub async fn an_outcome_is_recorded_after_the_lease_unless_another_process_ended_it(world: World) {
    let (owner, id) = one_in_flight(&world).await;
    assert!(
        world
            .complete_as(&owner, &id, Some(success(5)), NextState::Succeeded, 5_000)
            .await
    );
    assert_eq!(world.recover(5_001).await, 0);
    assert_eq!(world.state(&id).await, Succeeded);
}

pub async fn a_returned_claim_wakes_waiters(world: World) {
    let (_, id) = one_in_flight(&world).await;
    // A new subscription wakes once, which is unrelated to this recovery.
    while world.store().wait_for_work().now_or_never().is_some() {}
    assert_eq!(world.recover(1_001).await, 1);
    with_timeout(world.store().wait_for_work(), || "the wake".into()).await;
    assert_eq!(world.claim_ids(1_001).await, [id]);
}

pub async fn a_lost_lease_is_not_renewed(world: World) {
    let (owner, _) = one_in_flight(&world).await;
    assert_eq!(world.recover(1_001).await, 1);
    let lost = world.store().renew(&owner, at(1_002), at(2_000)).await;
    assert!(
        matches!(&lost, Err(StoreError::LeaseLost(name)) if name == "a"),
        "{lost:?}"
    );
    // Another run may acquire a lease again.
    let again = owner.reincarnated();
    enter(&world, &again, 1_003, 2_000).await.unwrap();
    world
        .store()
        .renew(&again, at(1_004), at(2_000))
        .await
        .unwrap();
}

pub async fn recovery_counts_the_returned_claims(world: World) {
    let (owner, _) = one_in_flight(&world).await;
    let more = ["f", "g"].map(|id| planned(&world.acme, event(id), &[claimed(&world.orders)]));
    world.plan_as(&owner, &world.acme, more.into(), 0).await;
    assert_eq!(world.recover(999).await, 0);
    assert_eq!(world.recover(1_001).await, 3);
    assert_eq!(world.recover(1_001).await, 0);
    assert_eq!(world.claim(&world.orders, 10, 1_001).await.len(), 3);
}

pub async fn recovery_does_not_affect_live_leases(world: World) {
    let (_, lost) = one_in_flight(&world).await;
    let kept = world.one(event("f"), claimed(&world.orders), 0).await;
    assert_eq!(world.recover(1_001).await, 1);
    assert_eq!(world.states(&[lost, kept]).await, [Pending, InFlight]);
}

pub async fn releasing_a_lease_makes_its_deliveries_due(world: World) {
    let (owner, id) = one_in_flight(&world).await;
    world.store().release_lease(&owner, at(10)).await.unwrap();
    assert_eq!(world.claim_ids(10).await, std::slice::from_ref(&id));
    assert!(
        !world
            .complete_as(&owner, &id, None, NextState::Succeeded, 11)
            .await
    );
    // The name is free.
    enter(&world, &sender("a"), 11, 1_000).await.unwrap();
}

pub async fn releasing_a_lease_twice_is_not_an_error(world: World) {
    let (owner, _) = one_in_flight(&world).await;
    world.store().release_lease(&owner, at(10)).await.unwrap();
    world.store().release_lease(&owner, at(11)).await.unwrap();
    world
        .store()
        .release_lease(&sender("never here"), at(12))
        .await
        .unwrap();
}

pub async fn nothing_is_claimed_without_a_lease(world: World) {
    let (owner, id) = one_in_flight(&world).await;
    world.recover(1_001).await;
    let requests = [world.ask(&world.orders, 10)];
    for stranger in [&owner, &sender("never here")] {
        let refused = world.store().claim(stranger, &requests, at(1_002)).await;
        assert!(
            matches!(refused, Err(StoreError::LeaseLost(_))),
            "{refused:?}"
        );
    }
    assert_eq!(world.claim_ids(1_002).await, [id]);
}

pub async fn no_delivery_starts_claimed_without_a_lease(world: World) {
    let event = planned(&world.acme, event("e"), &[claimed(&world.orders)]);
    let version = world.version(&world.acme).await;
    let batch = webhook_store::PlanBatch {
        tenant: world.acme.clone(),
        version,
        fence: webhook_store::Fence::new(at(1)),
        events: vec![event],
        accepted: false,
    };
    let refused = world
        .store()
        .plan(&sender("never here"), batch.clone(), at(1))
        .await;
    assert!(
        matches!(refused, Err(StoreError::LeaseLost(_))),
        "{refused:?}"
    );
    // No part of it was kept.
    let planned = world
        .store()
        .plan(&world.owner, batch, at(1))
        .await
        .unwrap();
    let id = world.list(&Default::default()).await.remove(0).id;
    let new = webhook_store::Planned::New { claimed: vec![id] };
    assert_eq!(planned, webhook_store::PlanResult::Done(vec![new]));
}

pub async fn a_lost_lease_fences_the_outcome(world: World) {
    let (owner, id) = one_in_flight(&world).await;
    world.recover(1_001).await;
    assert!(
        !world
            .complete_as(&owner, &id, Some(success(5)), NextState::Succeeded, 1_002)
            .await
    );
    assert_eq!(world.state(&id).await, Pending);
    let lost = world.outcome(
        &world.get(&id).await,
        Some(success(5)),
        NextState::Succeeded,
    );
    assert_eq!(world.claim_ids(1_003).await, std::slice::from_ref(&id));
    let refused = world.store().complete(&owner, &[lost], at(1_004)).await;
    assert_eq!(refused.unwrap(), [false]);
    let delivery = world.get(&id).await;
    assert_eq!((delivery.state, delivery.attempts.len()), (InFlight, 0));
    world.succeed(&id, 1_005).await;
}

pub async fn an_earlier_run_is_fenced_from_a_later_one(world: World) {
    let (before, id) = one_in_flight(&world).await;
    let after = before.reincarnated();
    enter(&world, &after, 1_001, 2_000).await.unwrap();
    assert_eq!(
        world.claim_as(&after, &world.orders, 1, 1_002).await.len(),
        1
    );
    assert!(
        !world
            .complete_as(&before, &id, None, NextState::Succeeded, 1_003)
            .await
    );
    assert!(
        world
            .complete_as(&after, &id, None, NextState::Succeeded, 1_004)
            .await
    );
}
