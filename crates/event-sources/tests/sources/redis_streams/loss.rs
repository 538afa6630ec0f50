//! Failures of the stream's server.

use crate::redis_streams::world::{Recorder, World};

#[tokio::test]
async fn a_reader_continues_after_a_flush_that_removes_the_group() {
    let world = World::new().await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    world.publish(0).await;
    world.acknowledged(&running, 1).await;
    let _: String = redis::cmd("FLUSHALL")
        .query_async(&mut world.connection().await)
        .await
        .unwrap();
    let ids = world.publish_all(1..4).await;
    sink.taken(4).await;
    assert_eq!(sink.ids()[1..], ids);
    world.acknowledged(&running, 4).await;
}

#[tokio::test]
async fn a_reader_survives_restarts_of_its_server() {
    let mut world = World::new().await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    let first = world.publish(0).await;
    world.acknowledged(&running, 1).await;
    for round in 0..3 {
        world.server.kill();
        world.server.restart().await;
        let id = world.publish(round).await;
        let taken = sink.taken(2 + round).await;
        assert_eq!(taken.last().unwrap().id, id);
        world.acknowledged(&running, 2 + round as u64).await;
    }
    assert_eq!(sink.ids().iter().filter(|id| **id == first).count(), 1);
    assert_eq!(world.pending().await, 0);
}

#[tokio::test]
async fn entries_being_planned_when_the_server_dies_are_not_lost() {
    let mut world = World::new().await;
    let ids = world.publish_all(0..3).await;
    let sink = Recorder::new();
    sink.hold(true);
    let running = world.intake("a", &sink);
    sink.taken(3).await;
    world.server.kill();
    sink.hold(false);
    world.server.restart().await;
    let pending = async {
        while world.pending().await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    test_support::with_timeout(pending, || "every entry to be acknowledged".into()).await;
    for id in ids {
        assert!(sink.ids().contains(&id));
    }
    running.stop().await;
}

#[tokio::test]
async fn a_reader_waits_for_a_server_that_starts_later() {
    let mut world = World::new().await;
    world.server.kill();
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    let failed = async {
        while running.stats.snapshot().failures < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    test_support::with_timeout(failed, || "attempts to connect".into()).await;
    assert!(!running.stats.snapshot().connected);
    world.server.restart().await;
    let id = world.publish(0).await;
    assert_eq!(sink.taken(1).await[0].id, id);
    assert!(running.stats.snapshot().connected);
}
