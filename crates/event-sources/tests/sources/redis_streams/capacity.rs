//! Back-pressure: no more entries are read than the sink has capacity for.

use crate::redis_streams::world::{Recorder, World};

#[tokio::test]
async fn without_capacity_nothing_is_read() {
    let world = World::new().await;
    world.publish_all(0..5).await;
    let full = Recorder::new();
    full.set_room(0);
    let waiting = world.intake("a", &full);

    // A reader without capacity does not keep another one from reading.
    let sink = Recorder::new();
    let running = world.intake("b", &sink);
    sink.taken(5).await;
    world.acknowledged(&running, 5).await;
    running.stop().await;
    assert_eq!(full.ids(), [""; 0]);

    let id = world.publish(5).await;
    full.set_room(1);
    full.taken(1).await;
    assert_eq!(full.ids(), [id]);
    drop(waiting);
}

#[tokio::test]
async fn no_more_is_read_than_the_sink_has_capacity_for() {
    let world = World::new().await;
    world.publish_all(0..10).await;
    let sink = Recorder::new();
    sink.set_room(3);
    let _running = world.intake("a", &sink);
    sink.taken(10).await;
    assert_eq!(sink.calls(), [3, 3, 3, 1]);
}

#[tokio::test]
async fn pending_entries_wait_for_capacity_as_well() {
    let world = World::new().await;
    world.publish_all(0..5).await;
    world.take_as("a").await;
    let sink = Recorder::new();
    sink.set_room(2);
    let _running = world.intake("a", &sink);
    sink.taken(5).await;
    assert_eq!(sink.calls(), [2, 2, 1]);
}

#[tokio::test]
async fn large_entries_are_bounded_by_their_bytes() {
    let world = World::new().await;
    let data = vec![b'1'; 1000];
    for _ in 0..12 {
        world
            .add(&[("tenant", b"acme"), ("type", b"a"), ("data", &data)])
            .await;
    }
    let sink = Recorder::new();
    let mut settings = world.settings(webhook_model::Owner::this_process("a"));
    settings.bounds.max_bytes = 4500;
    let _running = world.intake_with(settings, &sink);
    sink.taken(12).await;
    assert_eq!(sink.calls(), [4, 4, 4]);
}

#[tokio::test]
async fn a_reader_that_runs_out_of_capacity_lets_another_read() {
    let world = World::new().await;
    let (one, other) = (Recorder::new(), Recorder::new());
    let _first = world.intake("a", &one);
    world.publish(0).await;
    one.taken(1).await;
    let _second = world.intake("b", &other);
    one.set_room(0);
    let id = world.publish(1).await;
    // A reader whose read is already blocking may get one more entry.
    let third = world.publish(2).await;
    other.taken(1).await;
    let ids = [one.ids(), other.ids()].concat();
    assert!(ids.contains(&id) || ids.contains(&third));
}

#[tokio::test]
async fn durable_entries_are_acknowledged_while_the_rest_waits_for_capacity() {
    let world = World::new().await;
    world.publish_all(0..4).await;
    world.take_as("gone").await;
    let sink = Recorder::new();
    sink.set_room(2);
    let recorder = sink.clone();
    sink.judge(move |_| {
        recorder.set_room(0);
        Ok(())
    });
    let running = world.intake("a", &sink);
    world.acknowledged(&running, 2).await;
    assert_eq!(sink.ids().len(), 2);
    sink.judge(|_| Ok(()));
    sink.set_room(2);
    world.acknowledged(&running, 4).await;
}
