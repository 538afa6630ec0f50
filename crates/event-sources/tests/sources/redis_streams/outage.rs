//! A store that is unreachable, for all tenants or for one.

use event_sources::SinkError;

use crate::redis_streams::world::{Recorder, World};

#[tokio::test]
async fn entries_wait_for_a_store_that_is_unreachable() {
    let world = World::new().await;
    let ids = world.publish_all(0..2).await;
    let sink = Recorder::new();
    sink.judge(|_| Err(SinkError("no store".into())));
    let running = world.intake("a", &sink);
    sink.taken(20).await;
    sink.judge(|_| Ok(()));
    world.acknowledged(&running, 2).await;
    let taken = sink.taken(2).await;
    assert!(
        taken
            .iter()
            .all(|taken| taken.content.is_ok() && ids.contains(&taken.id))
    );
}

#[tokio::test]
async fn a_tenant_whose_store_is_unreachable_delays_no_other_tenant() {
    let world = World::new().await;
    let down = world.publish_for("down", 8).await;
    let sink = Recorder::new();
    sink.judge(|taken| match taken.tenant.as_ref().unwrap().as_str() {
        "down" => Err(SinkError("its part of the store".into())),
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
async fn durable_entries_are_acknowledged_while_others_wait() {
    let world = World::new().await;
    let ids = world.publish_all(0..3).await;
    let sink = Recorder::new();
    let bad = ids[0].clone();
    sink.judge(move |entry| {
        if entry.id == bad {
            Err(SinkError("no store".into()))
        } else {
            Ok(())
        }
    });
    let running = world.intake("a", &sink);
    sink.taken(6).await;
    // The others were passed to the sink once.
    assert_eq!(sink.ids().iter().filter(|id| **id == ids[1]).count(), 1);
    sink.judge(|_| Ok(()));
    world.acknowledged(&running, 3).await;
}

#[tokio::test]
async fn entries_that_a_reader_could_not_store_are_read_by_the_next() {
    let world = World::new().await;
    let ids = world.publish_all(0..3).await;
    let sink = Recorder::new();
    sink.judge(|_| Err(SinkError("no store".into())));
    let running = world.intake("a", &sink);
    sink.taken(4).await;
    running.stop().await;

    let next = Recorder::new();
    let running = world.intake("b", &next);
    world.acknowledged(&running, 3).await;
    assert_eq!(next.ids(), ids);
    assert!(next.taken(3).await.iter().all(|taken| taken.redelivered));
}
