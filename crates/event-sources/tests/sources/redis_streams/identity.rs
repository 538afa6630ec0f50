//! The ids that are derived from entries.

use std::collections::HashSet;

use event_sources::SourceEntry;
use webhook_model::Owner;

use crate::redis_streams::world::{GROUP, Recorder, STREAM, World};

const FIELDS: [(&str, &str); 3] = [("tenant", "acme"), ("type", "a.b"), ("data", "1")];

/// Adds an entry with this id to a stream.
async fn add(world: &World, stream: &str, id: &str) {
    let mut command = redis::cmd("XADD");
    command.arg(stream).arg(id).arg(&FIELDS);
    let reply = command.query_async(&mut world.connection().await).await;
    let _: String = reply.unwrap();
}

async fn send(world: &World, command: &mut redis::Cmd) {
    let reply = command.query_async(&mut world.connection().await).await;
    let _: redis::Value = reply.unwrap();
}

/// Returns the derived ids of the events.
fn events(taken: &[SourceEntry]) -> Vec<String> {
    let event = |taken: &SourceEntry| taken.content.as_ref().unwrap().id.to_string();
    taken.iter().map(event).collect()
}

#[tokio::test]
async fn equal_entry_ids_of_two_streams_are_two_events() {
    let world = World::new().await;
    let mut ids = HashSet::new();
    for stream in ["eu", "us"] {
        add(&world, stream, "1-1").await;
        let sink = Recorder::new();
        let mut settings = world.settings(Owner::this_process(stream));
        settings.stream = stream.to_owned();
        let running = world.intake_with(settings, &sink);
        ids.extend(events(&sink.taken(1).await));
        world.acknowledged(&running, 1).await;
    }
    assert_eq!(ids.len(), 2, "{ids:?}");
    assert!(ids.iter().any(|id| id.starts_with("eu_")), "{ids:?}");
}

#[tokio::test]
async fn an_entry_that_is_read_again_is_the_same_event() {
    let world = World::new().await;
    add(&world, STREAM, "1-1").await;
    let mut ids = Vec::new();
    for name in ["a", "b"] {
        let sink = Recorder::new();
        sink.hold(true);
        let running = world.intake(name, &sink);
        ids.extend(events(&sink.taken(1).await));
        running.crash().await;
    }
    // As if the group was lost: the new one begins with the oldest entry.
    send(
        &world,
        redis::cmd("XGROUP").arg("DESTROY").arg(STREAM).arg(GROUP),
    )
    .await;
    let sink = Recorder::new();
    let _running = world.intake("c", &sink);
    ids.extend(events(&sink.taken(1).await));
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn a_recreated_stream_with_the_same_entry_ids_has_other_events() {
    let world = World::new().await;
    add(&world, STREAM, "1-1").await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    world.acknowledged(&running, 1).await;
    for round in 2..4 {
        world.remove_stream().await;
        add(&world, STREAM, "1-1").await;
        world.acknowledged(&running, round).await;
    }
    let ids = events(&sink.taken(3).await);
    let different: HashSet<_> = ids.iter().collect();
    assert_eq!(different.len(), 3, "{ids:?}");
}

#[tokio::test]
async fn planning_an_entry_of_a_removed_stream_acknowledges_nothing_of_the_new_one() {
    let world = World::new().await;
    add(&world, STREAM, "1-1").await;
    let sink = Recorder::new();
    sink.hold(true);
    let running = world.intake("a", &sink);
    sink.taken(1).await;
    world.remove_stream().await;
    add(&world, STREAM, "1-1").await;
    // Another consumer reads the new entry before the old one is planned.
    world.take_as("another").await;
    sink.hold(false);
    let failed = async {
        while running.stats.snapshot().failures == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    test_support::with_timeout(failed, || "the acknowledgement to be rejected".into()).await;
    // The new entry is pending, and therefore read and planned.
    let ids = events(&sink.taken(2).await);
    assert_ne!(ids[0], ids[1]);
    world.acknowledged(&running, 1).await;
}

#[tokio::test]
async fn the_group_that_marks_the_incarnation_does_not_prevent_trimming() {
    let world = World::new().await;
    let sink = Recorder::new();
    let mut settings = world.settings(Owner::this_process("a"));
    settings.trim = true;
    settings.min_idle = std::time::Duration::from_millis(1);
    let running = world.intake_with(settings, &sink);
    world.publish_many("acme", 450).await;
    let trimmed = async {
        while running.stats.snapshot().trimmed == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    test_support::with_timeout(trimmed, || "a trim".into()).await;
}
