//! Faults of the sender itself: panics, failing observers, a clock that was wrong.

use std::time::Duration;

use test_support::Receiver;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use webhook_model::{Clock, Millis};
use webhook_sender::registry::DEFERRED_BODY;

use super::support::{FakeStore, Setup, State, World, schedule};

#[tokio::test]
async fn an_attempt_that_panics_counts_as_failed_and_releases_its_permit() {
    let (world, receiver) = (World::start().await, Receiver::start().await);
    let url = receiver.url("/");
    let endpoint = world
        .endpoint("orders", &url, |it| {
            it.retry = schedule(&[0, 1]);
            it.max_in_flight = Some(1);
        })
        .await;
    // Both attempts of the first delivery load the event, which panics.
    world.store.fault(|faults| faults.panicking_events = 2);
    let broken = world.publish(&endpoint, "evt_1", &DEFERRED_BODY);
    let dead = |store: &FakeStore| matches!(store.row(&broken.id).state, State::Dead(_));
    world.store.until("the end of the broken one", dead).await;
    let next = world.publish(&endpoint, "evt_2", b"{}");
    let done = |store: &FakeStore| store.row(&next.id).state == State::Succeeded;
    world.store.until("the next", done).await;
    let row = world.store.row(&broken.id);
    let reason = "the last of 2 attempts failed: the sender failed during the attempt";
    assert_eq!(row.state, State::Dead(reason.into()));
    assert_eq!(row.attempts.len(), 2);
    let metrics = world.metrics();
    assert!(metrics.contains("caught_panics_total 2"), "{metrics}");
    world.end().await;
}

/// A log writer that panics when it cannot write.
struct Broken;

impl<S: Subscriber> Layer<S> for Broken {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let target = event.metadata().target();
        let of_delivery = ["webhook_sender::attempt", "webhook_sender::deliver"];
        assert!(
            !of_delivery.iter().any(|part| target.starts_with(part)),
            "failed printing to stderr"
        );
    }
}

#[tokio::test]
async fn a_panicking_log_does_not_prevent_delivering_and_recording() {
    let _broken = tracing::subscriber::set_default(tracing_subscriber::registry().with(Broken));
    let (world, receiver) = (World::start().await, Receiver::start().await);
    let url = receiver.url("/");
    let endpoint = world
        .endpoint("orders", &url, |it| it.max_in_flight = Some(2))
        .await;
    world.store.fault(|faults| faults.failing_claims = 1);
    world.store.fault(|faults| faults.failing_completes = 2);
    world.publish_many(&endpoint, 50);
    world.store.all_succeed(&endpoint).await;
    assert_eq!(receiver.requests().len(), 50);
    world.end().await;
}

#[tokio::test]
async fn due_times_in_the_store_are_corrected_after_the_clock_was_set_back() {
    let ahead = Millis(1_800_000_000_000);
    let clock = Clock::standing_at(ahead);
    let world = World::of(Setup {
        clock: clock.clone(),
        ..Setup::default()
    })
    .await;
    let told = |moment| move |store: &FakeStore| store.rewound().last() == Some(&moment);
    // Checked at the start too: the clock may have been set while no sender ran.
    world.store.until("the start", told(ahead)).await;
    let right = ahead.before(Duration::from_secs(3600));
    clock.set(right);
    world.store.until("the clock's step", told(right)).await;
    world.end().await;
}
