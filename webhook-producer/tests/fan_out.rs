//! The fan-out of calls, by itself.

#![cfg(not(target_family = "wasm"))]

mod world;

use std::cell::Cell;
use std::time::Duration;

use webhook_producer::fan_out::{CallOutcome, fan_out};
use webhook_producer::platform::Clock;
use world::timeline::Timeline;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn at_most_as_many_calls_run_as_the_limit_allows() {
    let timeline = Timeline::default();
    let (running, most) = (Cell::new(0), Cell::new(0));
    let calls = (1..=20).map(|number| {
        let (timeline, running, most) = (&timeline, &running, &most);
        async move {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            timeline
                .sleep_until(timeline.now() + Duration::from_millis(number))
                .await;
            running.set(running.get() - 1);
        }
    });
    let outcomes = timeline.run(fan_out(&timeline, calls.collect(), 7, SECOND));
    let ended = |outcome: &CallOutcome<()>| matches!(outcome, CallOutcome::Ended((), _));
    assert!(outcomes.iter().all(ended));
    assert_eq!((most.get(), running.get()), (7, 0));
}

#[test]
fn outcomes_are_in_the_order_of_the_calls_with_their_own_times() {
    let timeline = Timeline::default();
    let waits = [30, 2000, 10, 20, 2000];
    let calls = waits.map(|wait| {
        let timeline = &timeline;
        async move {
            timeline
                .sleep_until(timeline.now() + Duration::from_millis(wait))
                .await;
            wait
        }
    });
    let outcomes = timeline.run(fan_out(&timeline, calls.into(), 2, SECOND));
    let ms = Duration::from_millis;
    let expected = [
        CallOutcome::Ended(30, ms(30)),
        CallOutcome::CutOff(ms(1000)),
        CallOutcome::Ended(10, ms(10)),
        CallOutcome::Ended(20, ms(20)),
        CallOutcome::CutOff(ms(940)),
    ];
    assert_eq!(outcomes, expected);
}

#[test]
fn at_the_deadline_running_calls_are_cut_off_and_waiting_ones_not_started() {
    let timeline = Timeline::default();
    let calls = (0..5).map(|_| std::future::pending::<()>());
    let outcomes = timeline.run(fan_out(&timeline, calls.collect(), 3, SECOND));
    let cut_off = CallOutcome::CutOff(SECOND);
    let expected = [
        cut_off.clone(),
        cut_off.clone(),
        cut_off,
        CallOutcome::NotStarted,
        CallOutcome::NotStarted,
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(timeline.now(), SECOND);
}

#[test]
fn without_calls_the_fan_out_ends_at_once() {
    let timeline = Timeline::default();
    let calls: Vec<std::future::Pending<()>> = Vec::new();
    assert_eq!(timeline.run(fan_out(&timeline, calls, 1, SECOND)), []);
    assert_eq!(timeline.now(), Duration::ZERO);
}
