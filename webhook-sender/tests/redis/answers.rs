//! Calls whose answers are lost: nothing stays in flight that nobody knows of.

use std::time::Duration;

use test_support::within_patience;
use webhook_sender::model::DeliveryState;
use webhook_sender::store::{Planned, Start, Store};

use crate::world::{World, all, at, claim, owner, plan};

/// Gives a call up once it is on its way, as a lost connection would.
async fn lose<T>(world: &World, call: impl Future<Output = T>) {
    world.server.stall();
    // The server reads nothing now, so that the answer cannot come in time.
    let lost = tokio::time::timeout(Duration::from_millis(200), call).await;
    assert!(lost.is_err());
    world.server.unstall();
}

#[tokio::test]
async fn what_a_lost_plan_took_into_flight_is_due_again() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    store.due(at(0)).await.unwrap();
    let acme = crate::world::tenant("acme");
    let (version, _) = store.endpoints(&acme).await.unwrap().unwrap();
    let events = vec![crate::world::planned(
        &acme,
        "e",
        "orders",
        Start::Claimed,
        10,
    )];
    let batch = webhook_sender::store::PlanBatch {
        tenant: acme,
        version,
        events,
    };
    lose(&world, store.plan(&owner, batch, at(1))).await;
    let arrived = async {
        while all(&store).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    within_patience(arrived, || "the call to be carried out".into()).await;
    assert_eq!(all(&store).await[0].state, DeliveryState::InFlight);

    // Planned anew it is known; nobody would ever start it.
    let again = plan(&store, &owner, "e", Start::Claimed, 2).await.unwrap();
    assert_eq!(again, Planned::Known);
    assert_eq!(all(&store).await[0].state, DeliveryState::Pending);
    assert_eq!(store.due(at(2)).await.unwrap().0.len(), 1);
    assert_eq!(claim(&store, &owner, 10, 2).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_lost_claim_took_into_flight_is_due_again() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    plan(&store, &owner, "kept", Start::Claimed, 1)
        .await
        .unwrap();
    for id in ["e", "f"] {
        plan(&store, &owner, id, Start::Due(at(1)), 1)
            .await
            .unwrap();
    }
    lose(&world, claim(&store, &owner, 10, 1)).await;
    let in_flight = async {
        while all(&store)
            .await
            .iter()
            .any(|one| one.state != DeliveryState::InFlight)
        {
            tokio::task::yield_now().await;
        }
    };
    within_patience(in_flight, || "the call to be carried out".into()).await;

    // A renewal is enough: this process may have nothing else to do.
    store.renew(&owner, at(2), at(20_000)).await.unwrap();
    within_patience(store.woken(), || "to be told of it".into()).await;
    let states: Vec<_> = all(&store).await.iter().map(|one| one.state).collect();
    let count = |state| states.iter().filter(|one| **one == state).count();
    // What was handed out before is left alone.
    assert_eq!(
        (
            count(DeliveryState::InFlight),
            count(DeliveryState::Pending)
        ),
        (1, 2)
    );
    assert_eq!(claim(&store, &owner, 10, 2).await.unwrap().len(), 2);
}
