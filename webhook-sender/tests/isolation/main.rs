//! A misbehaving receiver uses only the permits of its own endpoint.
//!
//! Each test has a healthy endpoint beside it, and ends when all deliveries to the healthy endpoint
//! have arrived while those to the other are still stuck. No test measures time.

#[path = "../delivery_support/mod.rs"]
mod support;

use std::time::Duration;

use support::{Setup, State, World, schedule};
use test_support::{Behaviour, RawReceiver, Receiver};
use webhook_model::{Endpoint, Phase};
use webhook_sender::deliver::Settings;

const PERMITS: usize = 32;
const SICK: usize = 100;
const HEALTHY: usize = 300;

/// Longer than the test, so that an attempt that hangs outlasts it.
const LONG: Duration = Duration::from_secs(600);

async fn world() -> World {
    let settings = Settings {
        permits: PERMITS,
        permits_per_endpoint: PERMITS,
        timeout: LONG,
        retry: schedule(&[0, 3_600_000]).unwrap(),
        ..Settings::default()
    };
    World::of(Setup {
        settings,
        ..Setup::default()
    })
    .await
}

/// Lets the unhealthy endpoint take all permits that it can get, and then delivers to a healthy
/// one.
async fn healthy_beside(world: &World, sick: &[Endpoint], receiver: &Receiver) {
    for endpoint in sick {
        world.publish_many(endpoint, SICK);
    }
    let url = receiver.url("/healthy");
    let healthy = world.endpoint("healthy", &url, |_| {}).await;
    world.publish_many(&healthy, HEALTHY);
    world.store.all_succeed(&healthy).await;
    assert_eq!(receiver.requests_to("/healthy").len(), HEALTHY);
}

fn stuck(world: &World, endpoint: &Endpoint) -> usize {
    world
        .store
        .count(endpoint, |row| matches!(row.state, State::InFlight(_)))
}

#[tokio::test]
async fn a_receiver_that_never_responds_does_not_delay_others() {
    let (world, receiver) = (world().await, Receiver::start().await);
    receiver.on("/hang", Behaviour::hang());
    let sick = world.endpoint("hang", &receiver.url("/hang"), |_| {}).await;
    world.publish_many(&sick, SICK);
    receiver.received(PERMITS / 2).await;
    healthy_beside(&world, &[], &receiver).await;
    let hanging = stuck(&world, &sick);
    assert!((1..=PERMITS / 2).contains(&hanging), "{hanging} hang");
}

#[tokio::test]
async fn many_receivers_that_never_respond_do_not_delay_others() {
    let (world, receiver) = (world().await, Receiver::start().await);
    receiver.on("/hang", Behaviour::hang());
    let mut sick = vec![];
    for n in 0..4 {
        sick.push(
            world
                .endpoint(&format!("hang-{n}"), &receiver.url("/hang"), |_| {})
                .await,
        );
        world.publish_many(&sick[n], SICK);
        // One after the other, so that each gets a share of the remaining permits.
        let taken = || {
            sick.iter()
                .map(|endpoint| stuck(&world, endpoint))
                .sum::<usize>()
        };
        receiver.received(sick.len().max(taken())).await;
    }
    healthy_beside(&world, &[], &receiver).await;
    assert!(sick.iter().all(|endpoint| stuck(&world, endpoint) > 0));
}

#[tokio::test]
async fn a_receiver_that_responds_slowly_does_not_delay_others() {
    let (world, receiver) = (world().await, Receiver::start().await);
    receiver.on("/drip", Behaviour::drip());
    let sick = world.endpoint("drip", &receiver.url("/drip"), |_| {}).await;
    world.publish_many(&sick, SICK);
    receiver.received(PERMITS / 2).await;
    healthy_beside(&world, &[], &receiver).await;
}

#[tokio::test]
async fn a_receiver_with_a_slow_response_head_does_not_delay_others() {
    let (world, receiver) = (world().await, Receiver::start().await);
    let dripping = RawReceiver::start(|_| Some(b"HTTP/1.1 200 O".to_vec())).await;
    let sick = world.endpoint("drip", &dripping.url(), |_| {}).await;
    healthy_beside(&world, std::slice::from_ref(&sick), &receiver).await;
    assert_eq!(
        world
            .store
            .count(&sick, |row| row.state == State::Succeeded),
        0
    );
}

#[tokio::test]
async fn a_response_of_a_gigabyte_delays_nothing_and_is_not_read_completely() {
    let (world, receiver) = (world().await, Receiver::start().await);
    let gigabyte = 1 << 30;
    let flooding = RawReceiver::start(move |_| {
        let mut response =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {gigabyte}\r\n\r\n").into_bytes();
        response.resize(8 << 20, b'x');
        Some(response)
    })
    .await;
    let sick = world.endpoint("flood", &flooding.url(), |_| {}).await;
    healthy_beside(&world, std::slice::from_ref(&sick), &receiver).await;
    world.store.all_succeed(&sick).await;
    // Each flood ended its connection, and only the start of the response was recorded.
    assert_eq!(flooding.counts.connections(), SICK);
    for row in world.store.rows(&sick) {
        let kept = row.attempts[0].exchange.response().unwrap().body;
        assert_eq!(kept.len(), webhook_model::DEFAULT_KEPT_RESPONSE_BYTES);
    }
}

#[tokio::test]
async fn a_receiver_that_responds_500_delays_nothing_and_is_only_probed() {
    let (world, receiver) = (world().await, Receiver::start().await);
    receiver.on("/broken", Behaviour::status(500));
    let sick = world
        .endpoint("broken", &receiver.url("/broken"), |_| {})
        .await;
    healthy_beside(&world, std::slice::from_ref(&sick), &receiver).await;
    let tried = world.store.count(&sick, |row| !row.attempts.is_empty());
    assert!((1..SICK).contains(&tried), "{tried} of {SICK} were tried");
    let untried = world.store.count(&sick, |row| {
        row.attempts.is_empty()
            && matches!(row.state, State::Due(_))
            && row.claim.attempts_made == 0
    });
    assert!(untried > 0, "nothing is held back");
}

#[tokio::test]
async fn a_receiver_that_refuses_connections_does_not_delay_others() {
    let (world, receiver) = (world().await, Receiver::start().await);
    let gone = RawReceiver::start(|_| None).await;
    let url = gone.url();
    drop(gone);
    let sick = world.endpoint("refuse", &url, |_| {}).await;
    healthy_beside(&world, std::slice::from_ref(&sick), &receiver).await;
    let failed: Vec<_> = world
        .store
        .rows(&sick)
        .into_iter()
        .flat_map(|row| row.attempts)
        .collect();
    assert!(!failed.is_empty());
    for attempt in failed {
        assert_eq!(attempt.phase, Some(Phase::Connect));
        assert_eq!(
            attempt.error.as_deref(),
            Some("no connection: connection refused")
        );
    }
}

#[tokio::test]
async fn a_saturated_endpoint_causes_no_repeated_claims() {
    let (world, receiver) = (world().await, Receiver::start().await);
    receiver.on("/hang", Behaviour::hang());
    let sick = world.endpoint("hang", &receiver.url("/hang"), |_| {}).await;
    world.publish_many(&sick, SICK);
    receiver.received(PERMITS / 2).await;
    let before = world.store.calls();
    // The scheduler could run many rounds while this is delivered.
    healthy_beside(&world, &[], &receiver).await;
    let after = world.store.calls();
    let calls = (after.due - before.due) + (after.claim - before.claim);
    assert!(
        calls <= 3 * HEALTHY,
        "{calls} calls for {HEALTHY} deliveries"
    );
}

#[tokio::test]
async fn new_deliveries_do_not_overtake_the_backlog_of_a_saturated_endpoint() {
    let (world, receiver) = (world().await, Receiver::start().await);
    receiver.on("/hang", Behaviour::hang());
    let sick = world.endpoint("hang", &receiver.url("/hang"), |_| {}).await;
    let other = world
        .endpoint("other", &receiver.url("/other"), |_| {})
        .await;
    world.publish_many(&sick, SICK);
    receiver.received(PERMITS / 2).await;
    assert!(world.reserve(&sick).is_none());
    assert!(world.reserve(&other).is_some());
    assert!(world.dispatch_port.free_permits().await > 0);
}
