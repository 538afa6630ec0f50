//! Tenants whose entries take long.

use std::sync::Arc;
use std::time::Duration;

use event_sources::SinkError;
use webhook_model::Owner;

use crate::world::{Recorder, World};

/// A stream with so many entries of a tenant, and a sink that has room for four and does not end
/// with that tenant's.
async fn held_up(count: usize) -> (World, Vec<String>, Arc<Recorder>) {
    let world = World::new().await;
    let slow = world.publish_for("slow", count).await;
    let sink = Recorder::new();
    sink.hold_tenant(Some("slow"));
    sink.set_room(4);
    (world, slow, sink)
}

#[tokio::test]
async fn a_tenant_whose_entries_take_long_holds_up_nobody() {
    let (world, slow, sink) = held_up(40).await;
    let running = world.intake("a", &sink);
    sink.taken_of("slow", 4).await;
    let quick = world.publish_for("quick", 10).await;
    sink.taken_of("quick", 10).await;
    assert_eq!(sink.ids_of("quick"), quick);
    world.acknowledged(&running, 10).await;
    assert_eq!(sink.ids_of("slow"), slow[..4], "one call is under way");

    // What was left in the stream meanwhile comes in its order, once.
    sink.hold_tenant(None);
    sink.taken_of("slow", 40).await;
    assert_eq!(sink.ids_of("slow"), slow);
    world.acknowledged(&running, 50).await;
    assert_eq!(world.pending().await, 0);
}

#[tokio::test]
async fn a_tenant_with_many_entries_that_take_a_little_long_holds_up_nobody() {
    let world = World::new().await;
    // Each of its calls is short; all of them take ten seconds.
    let slow = world.publish_for("slow", 400).await;
    let quick = world.publish_for("quick", 10).await;
    let sink = Recorder::new();
    sink.slow_down("slow", Duration::from_millis(25));
    sink.set_room(16);
    let _running = world.intake("a", &sink);
    sink.taken_of("quick", 10).await;
    assert_eq!(sink.ids_of("quick"), quick);
    let so_far = sink.ids_of("slow");
    assert!(so_far.len() < slow.len(), "those before it held it up");
    assert_eq!(so_far, slow[..so_far.len()]);
}

#[tokio::test]
async fn a_tenant_whose_store_is_out_of_reach_holds_up_nobody() {
    let world = World::new().await;
    let down = world.publish_for("down", 8).await;
    let sink = Recorder::new();
    sink.judge(|taken| match taken.tenant.as_ref().unwrap().as_str() {
        "down" => Err(SinkError::Unavailable("its part of the store".into())),
        _ => Ok(()),
    });
    sink.set_room(4);
    let running = world.intake("a", &sink);
    sink.taken_of("down", 8).await;
    let up = world.publish_for("up", 3).await;
    world.acknowledged(&running, 3).await;
    assert_eq!(sink.ids_of("up"), up);
    sink.judge(|_| Ok(()));
    world.acknowledged(&running, 11).await;
    let mut ids = sink.ids_of("down");
    ids.dedup();
    assert!(ids.ends_with(&down[4..]), "{ids:?}");
}

#[tokio::test]
async fn a_reader_with_as_many_ids_as_it_keeps_notices_that_the_stream_is_gone() {
    let world = World::new().await;
    // More than are kept, so that it waits with some of them.
    let kept = 1 << 16;
    world.publish_many("slow", kept + 5_000).await;
    world.take_as("gone").await;
    let sink = Recorder::new();
    sink.hold_tenant(Some("slow"));
    let running = world.intake("a", &sink);
    world.owned_by("a", kept + 512).await;
    world.remove_stream().await;
    sink.hold_tenant(None);
    let quick = world.publish_for("quick", 1).await;
    sink.taken_of("quick", 1).await;
    assert_eq!(sink.ids_of("quick"), quick);
    drop(running);
}

#[tokio::test]
async fn a_lack_of_room_does_not_have_the_reader_wait_for_those_who_take_long() {
    let (world, _, sink) = held_up(8).await;
    let running = world.intake("a", &sink);
    world.publish_for("quick", 1).await;
    sink.taken_of("quick", 1).await;
    sink.set_room(0);
    // It has found out that there is none, again and again.
    sink.asked(3).await;
    sink.set_room(4);
    world.publish_for("quick", 1).await;
    sink.taken_of("quick", 2).await;
    assert_eq!(sink.ids_of("slow").len(), 4, "one call is under way");
    drop(running);
}

#[tokio::test]
async fn what_was_left_for_later_outlives_the_reader() {
    let (world, slow, sink) = held_up(20).await;
    let running = world.intake("a", &sink);
    let quick = world.publish_for("quick", 1).await;
    sink.taken_of("quick", 1).await;
    world.acknowledged(&running, 1).await;
    running.crash().await;

    let after = Recorder::new();
    let running = world.intake("a", &after);
    after.taken(20).await;
    assert_eq!(after.ids(), slow);
    world.acknowledged(&running, 20).await;
    assert_eq!(sink.ids_of("quick"), quick);
    assert_eq!(world.pending().await, 0);
}

#[tokio::test]
async fn a_reader_that_stops_brings_what_it_read_to_its_end_and_leaves_the_rest() {
    let (world, slow, sink) = held_up(12).await;
    let running = world.intake("a", &sink);
    world.publish_for("quick", 1).await;
    sink.taken_of("quick", 1).await;
    let stats = running.stats.clone();
    let stopping = tokio::spawn(running.stop());
    sink.hold_tenant(None);
    stopping.await.unwrap();
    assert_eq!(sink.ids_of("slow"), slow[..4]);
    assert_eq!(stats.snapshot().acknowledged, 5);
    assert_eq!(world.pending().await, 8);

    let next = Recorder::new();
    let running = world.intake("b", &next);
    next.taken(8).await;
    assert_eq!(next.ids(), slow[4..]);
    world.acknowledged(&running, 8).await;
}

#[tokio::test]
async fn a_tenant_whose_entries_fail_holds_up_nobody() {
    let world = World::new().await;
    let bad = world.publish_for("bad", 3).await;
    let sink = Recorder::new();
    let fails = |tenant: &str| tenant == "bad";
    sink.judge(move |taken| match &taken.tenant {
        Some(tenant) if fails(tenant.as_str()) && taken.content.is_ok() => {
            Err(SinkError::Failed("the planner fell over".into()))
        }
        _ => Ok(()),
    });
    let running = world.intake("a", &sink);
    let good = world.publish_for("good", 5).await;
    // The failing ones are tried again meanwhile, and given up one by one.
    world.acknowledged(&running, 8).await;
    assert_eq!(sink.ids_of("good"), good);
    assert_eq!(running.stats.snapshot().poison, 3);
    let given_up = sink.taken(1).await.into_iter();
    let given_up = given_up.filter(|taken| taken.content.is_err());
    assert_eq!(given_up.map(|taken| taken.id).collect::<Vec<_>>(), bad);
}

#[tokio::test]
async fn what_waits_here_is_not_taken_for_left_by_others() {
    let (world, slow, sink) = held_up(20).await;
    let mut settings = world.settings(Owner::this_process("a"));
    // It looks for what others left all the time.
    settings.min_idle = Duration::from_millis(1);
    let running = world.intake_with(settings, &sink);
    for _ in 0..10 {
        let before = sink.ids_of("quick").len();
        world.publish_for("quick", 1).await;
        sink.taken_of("quick", before + 1).await;
    }
    sink.hold_tenant(None);
    sink.taken_of("slow", 20).await;
    world.acknowledged(&running, 30).await;
    assert_eq!(sink.ids_of("slow"), slow);
    let stats = running.stats.snapshot();
    assert_eq!((stats.claimed, stats.vanished), (16, 0));
}
