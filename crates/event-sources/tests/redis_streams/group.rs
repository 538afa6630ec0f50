//! The group: what it begins with, what it takes again.

use crate::world::{GROUP, Recorder, STREAM, World};

#[tokio::test]
async fn a_backlog_from_before_the_group_is_taken() {
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
async fn a_stream_that_does_not_exist_yet_is_waited_for() {
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
async fn what_another_consumer_left_comes_before_new_entries() {
    let world = World::new().await;
    let old = world.publish_all(0..3).await;
    world.take_as("somebody who died").await;
    let new = world.publish_all(3..5).await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    sink.taken(5).await;
    assert_eq!(sink.ids(), [old, new].concat());
    world.acknowledged(&running, 5).await;
    assert_eq!(world.pending().await, 0);
}

#[tokio::test]
async fn what_is_not_planned_is_not_acknowledged() {
    let world = World::new().await;
    let ids = world.publish_all(0..3).await;
    let sink = Recorder::new();
    sink.hold(true);
    let running = world.intake("a", &sink);
    sink.taken(3).await;
    assert_eq!(world.pending().await, 3);
    running.crash().await;
    assert_eq!(world.pending().await, 3);

    // The next run takes them again.
    let after = Recorder::new();
    let running = world.intake("a", &after);
    after.taken(3).await;
    assert_eq!(after.ids(), ids);
    world.acknowledged(&running, 3).await;
}

#[tokio::test]
async fn entries_removed_while_they_were_pending_hold_up_nothing() {
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
async fn an_existing_group_is_taken_up_where_it_is() {
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
async fn trimming_removes_what_every_group_has_acknowledged_and_nothing_else() {
    let world = World::new().await;
    // Nodes of a stream are removed whole: there has to be more than one.
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
    // The other group has not taken entry 220 yet.
    assert!(
        first[0].0 > ids[0] && first[0].0 <= ids[220],
        "{}",
        first[0].0
    );
}
