//! The fan-out by itself.

#![cfg(not(target_family = "wasm"))]

mod world;

use std::cell::Cell;
use std::time::Duration;

use webhook_producer::fan_out::{Fate, fan_out};
use webhook_producer::outside::Clock;
use world::timeline::Timeline;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn never_more_than_the_limit_run_and_the_limit_is_reached() {
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
    let fates = timeline.run(fan_out(&timeline, calls.collect(), 7, SECOND));
    assert!(fates.iter().all(|fate| matches!(fate, Fate::Ended((), _))));
    assert_eq!((most.get(), running.get()), (7, 0));
}

#[test]
fn fates_come_in_the_order_of_the_calls_each_with_its_own_time() {
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
    let fates = timeline.run(fan_out(&timeline, calls.into(), 2, SECOND));
    let ms = Duration::from_millis;
    let expected = [
        Fate::Ended(30, ms(30)),
        Fate::CutOff(ms(1000)),
        Fate::Ended(10, ms(10)),
        Fate::Ended(20, ms(20)),
        Fate::CutOff(ms(940)),
    ];
    assert_eq!(fates, expected);
}

#[test]
fn at_the_deadline_those_under_way_are_cut_off_and_the_rest_not_started() {
    let timeline = Timeline::default();
    let calls = (0..5).map(|_| std::future::pending::<()>());
    let fates = timeline.run(fan_out(&timeline, calls.collect(), 3, SECOND));
    let cut_off = Fate::CutOff(SECOND);
    let expected = [
        cut_off.clone(),
        cut_off.clone(),
        cut_off,
        Fate::NotStarted,
        Fate::NotStarted,
    ];
    assert_eq!(fates, expected);
    assert_eq!(timeline.now(), SECOND);
}

#[test]
fn no_calls_end_at_once() {
    let timeline = Timeline::default();
    let calls: Vec<std::future::Pending<()>> = Vec::new();
    assert_eq!(timeline.run(fan_out(&timeline, calls, 1, SECOND)), []);
    assert_eq!(timeline.now(), Duration::ZERO);
}
