//! Starting deliveries: permits, limits, circuit breakers, leases and shutdown.

use std::sync::Arc;
use std::time::Duration;

use test_support::{Behaviour, RawReceiver, Receiver};
use webhook_model::{Clock, Millis};
use webhook_sender::deliver::Settings;
use webhook_sender::plan::DispatchPort;

use super::support::{Row, Setup, State, World, schedule};

#[tokio::test]
async fn everything_due_is_delivered_once() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    let endpoint = world.endpoint("orders", &receiver.url("/"), |_| {}).await;
    world.publish_many(&endpoint, 2000);
    world.store.all_succeed(&endpoint).await;
    let requests = receiver.requests();
    let ids: std::collections::HashSet<_> = requests
        .iter()
        .map(|request| request.header("webhook-id").unwrap())
        .collect();
    assert_eq!((requests.len(), ids.len()), (2000, 2000));
    let calls = world.store.calls();
    assert!(
        calls.complete < 2000,
        "{calls:?}: outcomes were recorded one by one"
    );
    world.end().await;
}

#[tokio::test]
async fn a_delivery_due_later_starts_on_time_without_a_wake_signal() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    let endpoint = world.endpoint("orders", &receiver.url("/"), |_| {}).await;
    let due = world.clock.now().after(Duration::from_millis(200));
    let claim = world.store.add(&endpoint, "evt_1", b"{}", due);
    world.dispatch_port.wake();
    world.store.all_succeed(&endpoint).await;
    assert!(world.store.row(&claim.id).attempts[0].at >= due);
    world.end().await;
}

#[tokio::test]
async fn a_planned_delivery_starts_immediately_with_its_reserved_permit() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    let endpoint = world.endpoint("orders", &receiver.url("/"), |_| {}).await;
    let never = world.clock.now().after(Duration::from_secs(3600));
    let claim = world.store.add(&endpoint, "evt_1", b"{}", never);
    let permit = world.reserve(&endpoint).unwrap();
    assert_eq!(world.dispatch_port.in_flight(), 1);
    let owner = world.lease.owner();
    world.store.claim_now(&claim, &owner);
    permit.start(&owner, claim);
    world.store.all_succeed(&endpoint).await;
    world.end().await;
}

#[tokio::test]
async fn a_claim_of_a_lost_lease_is_not_attempted() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    let endpoint = world.endpoint("orders", &receiver.url("/"), |_| {}).await;
    let never = world.clock.now().after(Duration::from_secs(3600));
    let claim = world.store.add(&endpoint, "evt_1", b"{}", never);
    // Another process may have claimed it in the meantime.
    let before = Arc::new(world.lease.owner().reincarnated());
    let permit = world.reserve(&endpoint).unwrap();
    world.store.claim_now(&claim, &before);
    permit.start(&before, claim.clone());
    world.store.all_succeed(&endpoint).await;
    // It was released with the due time that it was claimed with, and claimed again.
    assert!(world.store.calls().claim >= 1);
    assert_eq!(world.store.row(&claim.id).attempts.len(), 1);
    assert_eq!(receiver.requests().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn a_permit_is_reserved_only_if_a_delivery_could_start() {
    let world = World::of(Setup {
        settings: Settings {
            permits: 10,
            permits_per_endpoint: 4,
            ..Settings::default()
        },
        ..Setup::default()
    })
    .await;
    let url = "http://127.0.0.1:9/";
    let wide = world.endpoint("wide", url, |_| {}).await;
    let narrow = world
        .endpoint("narrow", url, |it| it.max_in_flight = Some(1))
        .await;
    let slow = world
        .endpoint("slow", url, |it| it.rate_limit = Some(1))
        .await;
    let off = world.endpoint("off", url, |it| it.enabled = false).await;
    let unknown = super::support::endpoint("unknown", url);
    let mut permits = vec![];
    for (endpoint, most) in [
        (&off, 0),
        (&unknown, 0),
        (&wide, 4),
        (&narrow, 1),
        (&slow, 1),
    ] {
        let reserved: Vec<_> = (0..20).filter_map(|_| world.reserve(endpoint)).collect();
        assert_eq!(reserved.len(), most, "{}", endpoint.id);
        permits.extend(reserved);
    }
    assert_eq!(world.dispatch_port.free_permits().await, 4);
    drop(permits);
    assert_eq!(world.dispatch_port.free_permits().await, 10);
    world.end().await;
}

#[tokio::test]
async fn concurrent_attempts_to_an_endpoint_are_limited() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    // Three at a time wait for each other; a fourth could not.
    receiver.on("/", Behaviour::status(200).after_arrivals(3));
    let url = receiver.url("/");
    let endpoint = world
        .endpoint("orders", &url, |it| it.max_in_flight = Some(3))
        .await;
    world.publish_many(&endpoint, 30);
    world.store.all_succeed(&endpoint).await;
    assert_eq!(receiver.most_at_once(), 3);
    world.end().await;
}

#[tokio::test]
async fn attempts_do_not_exceed_the_rate_limit() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    let url = receiver.url("/");
    let endpoint = world
        .endpoint("orders", &url, |it| it.rate_limit = Some(50))
        .await;
    let began = world.clock.now();
    world.publish_many(&endpoint, 30);
    world.store.all_succeed(&endpoint).await;
    // The first five or six are the burst; each of the others takes a fiftieth of a second.
    let mut starts: Vec<_> = world
        .store
        .rows(&endpoint)
        .iter()
        .map(|row| row.attempts[0].at)
        .collect();
    starts.sort();
    for (n, at) in starts.iter().enumerate().skip(6) {
        let earliest = began.after(Duration::from_millis(20 * (n as u64 - 6)));
        assert!(*at >= earliest, "{n} at {at}, not before {earliest}");
    }
    world.end().await;
}

#[tokio::test]
async fn probes_detect_a_recovered_endpoint_without_failing_other_deliveries() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    receiver.on("/", Behaviour::status(500));
    let retry = schedule(&[0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    let url = receiver.url("/");
    let endpoint = world
        .endpoint("orders", &url, |it| {
            it.retry = retry;
            it.max_in_flight = Some(1);
        })
        .await;
    world.publish_many(&endpoint, 50);
    // While these were delivered, the fifty could have been tried many times.
    let other = world
        .endpoint("other", &receiver.url("/other"), |_| {})
        .await;
    world.publish_many(&other, 1000);
    world.store.all_succeed(&other).await;
    receiver.received(1010).await;
    let untried = |row: &Row| row.attempts.is_empty();
    let held = world.store.count(&endpoint, untried);
    assert!(held >= 50 - 15, "{held} of 50 are held back");
    assert!(world.reserve(&endpoint).is_none());
    receiver.on("/", Behaviour::status(200));
    world.store.all_succeed(&endpoint).await;
    let attempts: usize = world
        .store
        .rows(&endpoint)
        .iter()
        .map(|row| row.attempts.len())
        .sum();
    assert!(attempts <= 50 + 15, "{attempts} attempts for 50 deliveries");
    assert!(world.metrics().contains("open_breakers 0"));
    world.end().await;
}

#[tokio::test]
async fn outcomes_are_recorded_once_the_store_is_available_again() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    let endpoint = world.endpoint("orders", &receiver.url("/"), |_| {}).await;
    world.store.fault(|faults| faults.failing_completes = 4);
    world.publish_many(&endpoint, 10);
    world.store.all_succeed(&endpoint).await;
    assert_eq!(
        receiver.requests().len(),
        10,
        "an outcome was lost and the delivery made again"
    );
    world.end().await;
}

#[tokio::test]
async fn an_outcome_after_the_lease_is_rejected_and_counted() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    receiver.on("/", Behaviour::status(200).after_arrivals(2));
    let endpoint = world.endpoint("orders", &receiver.url("/"), |_| {}).await;
    let first = world.publish(&endpoint, "evt_1", b"{}");
    receiver.received(1).await;
    world.store.give_away();
    let second = world.publish(&endpoint, "evt_2", b"{}");
    let done =
        |id| move |store: &super::support::FakeStore| store.row(id).state == State::Succeeded;
    world.store.until("the second", done(&second.id)).await;
    let (store, metrics) = (world.store.clone(), world.metrics.clone());
    world.end().await;
    assert_eq!(
        store.row(&first.id).state,
        State::InFlight("another".into())
    );
    let mut registry = prometheus_client::registry::Registry::default();
    metrics.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(text.contains("fenced_outcomes_total 1"), "{text}");
}

#[tokio::test]
async fn nothing_starts_while_the_lease_does_not_outlast_the_attempt() {
    let began = Millis(1_000_000_000_000);
    let clock = Clock::standing_at(began);
    let world = World::of(Setup {
        clock: clock.clone(),
        lease: Duration::from_secs(15),
        ..Setup::default()
    })
    .await;
    let receiver = Receiver::start().await;
    let endpoint = world.endpoint("orders", &receiver.url("/"), |_| {}).await;
    let short = world
        .endpoint("short", &receiver.url("/short"), |it| {
            it.timeout = Some(Duration::from_secs(14));
        })
        .await;
    // The planner has claimed it, and then the lease was too short.
    let claim = world.store.add(&endpoint, "evt_1", b"{}", began);
    let permit = world.reserve(&endpoint).unwrap();
    let owner = world.lease.owner();
    world.store.claim_now(&claim, &owner);
    permit.start(&owner, claim.clone());
    let released =
        |store: &super::support::FakeStore| store.row(&claim.id).state == State::Due(began);
    world.store.until("its release", released).await;
    assert_eq!(world.store.row(&claim.id).attempts, []);
    // An attempt that the lease covers is still made.
    world.publish(&short, "evt_1", b"{}");
    world.store.all_succeed(&short).await;
    assert_eq!(receiver.requests_to("/").len(), 0);
    world.end().await;
}

#[tokio::test]
async fn after_the_stop_attempts_in_flight_end_and_other_deliveries_stay_due() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    receiver.on("/", Behaviour::status(200).after_arrivals(3));
    let url = receiver.url("/");
    let endpoint = world
        .endpoint("orders", &url, |it| it.max_in_flight = Some(2))
        .await;
    world.publish_many(&endpoint, 10);
    receiver.received(2).await;
    world.stop.cancel();
    // The third arrival lets the two end.
    let (store, dispatch_port) = (world.store.clone(), world.dispatch_port.clone());
    let ending = tokio::spawn(world.end());
    test_support::Request::post(&url).send().await;
    ending.await.unwrap();
    let state = |wanted: fn(&State) -> bool| store.count(&endpoint, |row| wanted(&row.state));
    let succeeded = state(|state| *state == State::Succeeded);
    let due = state(|state| matches!(state, State::Due(_)));
    assert_eq!((succeeded, due), (2, 8));
    let permit = dispatch_port.reserve(&endpoint.tenant, &endpoint.id);
    assert!(permit.is_none());
}

#[tokio::test]
async fn a_disabled_endpoint_is_not_called_until_it_is_enabled() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    let raw = RawReceiver::start(|_| None).await;
    let mut endpoint = world
        .endpoint("orders", &raw.url(), |it| it.enabled = false)
        .await;
    world.publish_many(&endpoint, 3);
    let other = world.endpoint("other", &receiver.url("/"), |_| {}).await;
    world.publish_many(&other, 3);
    world.store.all_succeed(&other).await;
    assert_eq!(raw.counts.connections(), 0);
    endpoint.enabled = true;
    endpoint.url = receiver.url("/enabled");
    world.put(endpoint.clone()).await;
    world.dispatch_port.wake();
    world.store.all_succeed(&endpoint).await;
    world.end().await;
}
