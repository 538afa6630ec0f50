//! The consumer group: its first entry, and pending entries.

use crate::redis_streams::world::{GROUP, Recorder, STREAM, World};

#[tokio::test]
async fn entries_from_before_the_group_are_read() {
    let world = World::new().await;
    let ids = world.publish_all(0..20).await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    sink.taken(20).await;
    assert_eq!(sink.ids(), ids);
    world.acknowledged(&running, 20).await;
    assert_eq!(world.pending().await, 0);
}

#[tokio::test]
async fn the_intake_waits_for_a_stream_that_does_not_exist_yet() {
    let world = World::new().await;
    let sink = Recorder::new();
    let _running = world.intake("a", &sink);
    let id = world.publish(1).await;
    assert_eq!(sink.taken(1).await[0].id, id);
}

#[tokio::test]
async fn own_pending_entries_come_before_new_ones() {
    let world = World::new().await;
    let old = world.publish_all(0..3).await;
    world.take_as("a").await;
    let new = world.publish_all(3..5).await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    sink.taken(5).await;
    assert_eq!(sink.ids(), [old, new].concat());
    world.acknowledged(&running, 5).await;
    assert_eq!(running.stats.snapshot().claimed, 3);
}

#[tokio::test]
async fn pending_entries_of_another_consumer_come_before_new_ones() {
    let world = World::new().await;
    let old = world.publish_all(0..3).await;
    world.take_as("crashed").await;
    let new = world.publish_all(3..5).await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    sink.taken(5).await;
    assert_eq!(sink.ids(), [old, new].concat());
    world.acknowledged(&running, 5).await;
    assert_eq!(world.pending().await, 0);
}

#[tokio::test]
async fn entries_that_are_not_durable_are_not_acknowledged() {
    let world = World::new().await;
    let ids = world.publish_all(0..3).await;
    let sink = Recorder::new();
    sink.hold(true);
    let running = world.intake("a", &sink);
    sink.taken(3).await;
    assert_eq!(world.pending().await, 3);
    running.crash().await;
    assert_eq!(world.pending().await, 3);

    // The next process reads them again.
    let after = Recorder::new();
    let running = world.intake("a", &after);
    after.taken(3).await;
    assert_eq!(after.ids(), ids);
    world.acknowledged(&running, 3).await;
}

#[tokio::test]
async fn entries_removed_while_they_were_pending_block_nothing() {
    let world = World::new().await;
    let ids = world.publish_all(0..3).await;
    world.take_as("a").await;
    let mut command = redis::cmd("XDEL");
    command.arg(STREAM).arg(&ids[1]);
    let _: u64 = command
        .query_async(&mut world.connection().await)
        .await
        .unwrap();
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    sink.taken(2).await;
    assert_eq!(sink.ids(), [ids[0].clone(), ids[2].clone()]);
    world.acknowledged(&running, 2).await;
    running.stop().await;
    assert_eq!(world.pending().await, 0);
}

#[tokio::test]
async fn an_existing_group_continues_at_its_position() {
    let world = World::new().await;
    world.publish(0).await;
    let mut command = redis::cmd("XGROUP");
    command.arg("CREATE").arg(STREAM).arg(GROUP).arg("$");
    let _: String = command
        .query_async(&mut world.connection().await)
        .await
        .unwrap();
    let id = world.publish(1).await;
    let sink = Recorder::new();
    let _running = world.intake("a", &sink);
    sink.taken(1).await;
    assert_eq!(sink.ids(), [id]);
}

#[tokio::test]
async fn trimming_removes_only_entries_that_every_group_has_acknowledged() {
    let world = World::new().await;
    // Redis trims whole nodes of a stream: the stream must have more than one.
    let ids = world.publish_all(0..450).await;
    let sink = Recorder::new();
    let mut settings = world.settings(webhook_model::Owner::this_process("a"));
    settings.trim = true;
    settings.min_idle = std::time::Duration::from_millis(1);
    let mut group = redis::cmd("XGROUP");
    group
        .arg("CREATE")
        .arg(STREAM)
        .arg("another")
        .arg(&ids[219]);
    let _: String = group
        .query_async(&mut world.connection().await)
        .await
        .unwrap();
    let running = world.intake_with(settings, &sink);
    let trimmed = async {
        while running.stats.snapshot().trimmed == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    test_support::with_timeout(trimmed, || "a trim".into()).await;
    let mut command = redis::cmd("XRANGE");
    command.arg(STREAM).arg("-").arg("+").arg("COUNT").arg(1);
    let first: Vec<(String, redis::Value)> = command
        .query_async(&mut world.connection().await)
        .await
        .unwrap();
    // The other group has not read entry 220 yet.
    assert!(
        first[0].0 > ids[0] && first[0].0 <= ids[220],
        "{}",
        first[0].0
    );
}
