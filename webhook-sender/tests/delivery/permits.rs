//! Permits are released however planning, claiming, an attempt or its recording ends.

use std::sync::Arc;
use std::time::Duration;

use test_support::{Receiver, with_timeout};
use tokio::time::sleep;
use webhook_model::{Endpoint, Event, EventId};
use webhook_sender::plan::{DispatchPort, Parts, PlanError, Planner};
use webhook_sender::registry::DEFERRED_BODY;

use super::support::{FakeStore, State, World, schedule};

/// Returns a world with an endpoint that has this number of permits.
async fn with_permits(permits: u32, receiver: &Receiver) -> (World, Endpoint) {
    let world = World::start().await;
    let url = receiver.url("/");
    let endpoint = world
        .endpoint("orders", &url, |it| {
            it.max_in_flight = Some(permits);
            it.retry = schedule(&[0]);
        })
        .await;
    (world, endpoint)
}

/// Waits until all permits of the total are free, and one of the endpoint.
async fn released(world: &World, endpoint: &Endpoint) {
    let free = || world.dispatch_port.in_flight() == 0 && world.reserve(endpoint).is_some();
    let released = async {
        while !free() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let in_flight = || {
        format!(
            "free permits; {} in flight",
            world.dispatch_port.in_flight()
        )
    };
    with_timeout(released, in_flight).await;
}

#[tokio::test]
async fn a_batch_that_the_store_does_not_plan_releases_its_permits() {
    let receiver = Receiver::start().await;
    let (world, endpoint) = with_permits(1, &receiver).await;
    let planner = Planner::new(Parts {
        store: world.store.clone(),
        registry: world.registry.clone(),
        dispatch_port: Arc::new(world.dispatch_port.clone()),
        lease: world.lease.clone(),
        clock: world.clock.clone(),
    });
    let event = Event {
        id: EventId::parse("evt_1").unwrap(),
        kind: "order.shipped".into(),
        data: "{}".into(),
        at: world.clock.now(),
        ordering_key: None,
        source: webhook_model::Source::API,
    };
    world.store.held.send_replace(true);
    let tenant = endpoint.tenant.clone();
    let submit = tokio::spawn(async move { planner.submit(&tenant, event).await });
    let planning = |store: &FakeStore| store.calls().plan == 1;
    world.store.until("its planning", planning).await;
    assert_eq!(world.dispatch_port.in_flight(), 1);
    assert!(world.reserve(&endpoint).is_none());
    world.store.held.send_replace(false);
    let submitted = with_timeout(submit, || "the failure".into()).await.unwrap();
    assert!(
        matches!(submitted, Err(PlanError::Store(_))),
        "{submitted:?}"
    );
    released(&world, &endpoint).await;
    world.end().await;
}

#[tokio::test]
async fn a_dispatcher_that_is_dropped_while_it_claims_releases_its_permits() {
    let receiver = Receiver::start().await;
    // The planner gets half of them while something is due.
    let (mut world, endpoint) = with_permits(2, &receiver).await;
    world.store.held.send_replace(true);
    world.publish(&endpoint, "evt_1", b"{}");
    let claiming = |store: &FakeStore| store.calls().claim == 1;
    world.store.until("a claim", claiming).await;
    assert_eq!(world.dispatch_port.in_flight(), 2);
    world.abort().await;
    released(&world, &endpoint).await;
}

#[tokio::test]
async fn claims_that_fail_release_their_permits() {
    let receiver = Receiver::start().await;
    let (world, endpoint) = with_permits(1, &receiver).await;
    world.store.fault(|faults| faults.failing_claims = 2);
    world.publish_many(&endpoint, 3);
    world.store.all_succeed(&endpoint).await;
    released(&world, &endpoint).await;
    world.end().await;
}

#[tokio::test]
async fn an_attempt_that_panics_releases_its_permit() {
    let receiver = Receiver::start().await;
    let (world, endpoint) = with_permits(1, &receiver).await;
    // The attempt loads the event, which panics.
    world.store.fault(|faults| faults.panicking_events = 1);
    let broken = world.publish(&endpoint, "evt_1", &DEFERRED_BODY);
    let dead = |store: &FakeStore| matches!(store.row(&broken.id).state, State::Dead(_));
    world.store.until("the end of the attempt", dead).await;
    released(&world, &endpoint).await;
    world.end().await;
}

#[tokio::test]
async fn an_outcome_that_the_store_rejects_releases_its_permit_and_prevents_no_other() {
    let receiver = Receiver::start().await;
    let (world, endpoint) = with_permits(1, &receiver).await;
    let other = world.endpoint("other", &receiver.url("/"), |_| {}).await;
    let rejected = world
        .store
        .add(&endpoint, "evt_1", b"{}", world.clock.now());
    let id = rejected.id.clone();
    world.store.fault(|faults| faults.rejected = Some(id));
    world.publish_many(&other, 50);
    world.store.all_succeed(&other).await;
    receiver.received(51).await;
    released(&world, &endpoint).await;
    let row = world.store.row(&rejected.id);
    assert!(matches!(row.state, State::InFlight(_)), "{row:?}");
    world.end().await;
}

#[tokio::test]
async fn a_claim_beyond_the_permits_is_returned_to_the_queue() {
    let receiver = Receiver::start().await;
    let (world, endpoint) = with_permits(1, &receiver).await;
    world.store.fault(|faults| faults.excess_claims = 2);
    world.publish_many(&endpoint, 20);
    world.store.all_succeed(&endpoint).await;
    assert_eq!(receiver.most_at_once(), 1);
    released(&world, &endpoint).await;
    world.end().await;
}

#[tokio::test]
async fn delivery_ends_once_outcomes_cannot_be_recorded() {
    let receiver = Receiver::start().await;
    let (mut world, endpoint) = with_permits(1, &receiver).await;
    world.store.fault(|faults| faults.panicking_completes = 1);
    world.publish(&endpoint, "evt_1", b"{}");
    receiver.received(1).await;
    // It is not stopped, and ends so that the process can be started again.
    world.ended().await;
    world.publish(&endpoint, "evt_2", b"{}");
    assert!(world.reserve(&endpoint).is_none());
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_half_of_the_memory_for_bodies_at_most() {
    // It accepts into its backlog, and reads nothing.
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let receiver = Receiver::start().await;
    let mut world = World::start().await;
    let url = format!("http://{}/", hanging.local_addr().unwrap());
    let slow = world.endpoint("slow", &url, |_| {}).await;
    let quick = world.endpoint("quick", &receiver.url("/"), |_| {}).await;
    let body = vec![b'1'; 1 << 20];
    let fill = |endpoint: &Endpoint, count| {
        for number in 0..count {
            let (event, now) = (format!("evt_{number}"), world.clock.now());
            world.store.add(endpoint, &event, &body, now);
        }
        world.dispatch_port.wake();
    };
    let in_flight =
        |store: &FakeStore| store.count(&slow, |row| matches!(row.state, State::InFlight(_)));
    fill(&slow, 100);
    let started = |store: &FakeStore| in_flight(store) > 0;
    world.store.until("attempts", started).await;
    fill(&quick, 20);
    world.store.all_succeed(&quick).await;
    assert_eq!(in_flight(&world.store), 64);
    world.abort().await;
}
