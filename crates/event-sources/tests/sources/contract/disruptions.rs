//! The guarantees when the server or the connection fails.

use std::time::Duration;

use crate::contract::proxy::Proxy;
use crate::contract::world::World;
use crate::recorder::Recorder;

pub async fn a_connection_that_is_cut_in_a_batch_loses_nothing(world: &mut World<'_>) {
    let proxy = Proxy::to(&world.queue).await;
    let mut data = world.publish("acme", 100).await;
    let sink = Recorder::new();
    sink.hold(true);
    let running = world.intake_at(proxy.address, "a", "source", &sink);
    sink.taken(1).await;
    proxy.cut();
    sink.hold(false);
    data.extend(world.publish("acme", 10).await);
    sink.has(&data).await;
    running.acknowledged(data.len()).await;
    // Entries that are read again are the same events.
    let taken = sink.taken(data.len()).await;
    let ids: std::collections::HashSet<_> = taken.iter().map(|entry| &entry.derived).collect();
    assert_eq!(ids.len(), data.len());
    running.stop().await;
}

pub async fn a_server_that_is_frozen_delays_entries_and_loses_none(world: &mut World<'_>) {
    let mut data = world.publish("acme", 10).await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    sink.has(&data).await;
    world.broker.stall();
    // Longer than the lease of the readers.
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.broker.unstall();
    data.extend(world.publish("acme", 10).await);
    sink.has(&data).await;
    running.acknowledged(20).await;
    running.stop().await;
}

pub async fn a_server_that_is_killed_and_restarted_loses_nothing(world: &mut World<'_>) {
    let mut data = world.publish("acme", 20).await;
    let sink = Recorder::new();
    sink.hold(true);
    let running = world.intake("a", &sink);
    sink.taken(1).await;
    world.broker.kill();
    sink.hold(false);
    running.failed(1).await;
    assert!(!running.stats.snapshot().connected);
    world.broker.restart().await;
    data.extend(world.publish("acme", 10).await);
    sink.has(&data).await;
    running.acknowledged(data.len()).await;
    assert!(running.stats.snapshot().connected);
    running.stop().await;
}

pub async fn a_server_that_is_restarted_without_its_data_is_read_again(world: &mut World<'_>) {
    let old = world.publish("acme", 3).await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    sink.has(&old).await;
    running.acknowledged(3).await;
    let before = sink.taken(3).await;
    world.broker.restart_empty().await;
    world.declare().await;
    let new = world.publish("acme", 3).await;
    sink.has(&new).await;
    running.acknowledged(6).await;
    let after = sink.taken(6).await;
    for entry in &after[3..] {
        assert!(
            before.iter().all(|old| old.derived != entry.derived),
            "an entry of the new queue has the id of an old one: {}",
            entry.derived
        );
    }
    running.stop().await;
}
