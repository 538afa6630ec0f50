//! The guarantees of Kafka's partitions.

use std::collections::HashSet;
use std::time::Duration;

use test_support::with_timeout;

use crate::contract::world::World;
use crate::recorder::Recorder;

/// Publishes an entry to each of some partitions. Returns the data.
async fn publish_to_each(world: &World<'_>, partitions: usize, round: usize) -> Vec<String> {
    let mut all = Vec::new();
    for partition in 0..partitions {
        let data = (1000 * round + partition).to_string();
        world.publish_to(partition, "acme", data.as_bytes()).await;
        all.push(data);
    }
    all
}

pub async fn a_partition_revoked_in_a_batch_is_read_by_its_next_reader(world: &mut World<'_>) {
    const PARTITIONS: usize = 8;
    world.declare_partitions(PARTITIONS).await;
    let data = publish_to_each(world, PARTITIONS, 1).await;
    let (one, other) = (Recorder::new(), Recorder::new());
    one.hold(true);
    let first = world.intake("a", &one);
    one.taken(1).await;
    // Half of the partitions move while their entries are under way.
    let second = world.intake("b", &other);
    other.taken(1).await;
    one.hold(false);
    let more = publish_to_each(world, PARTITIONS, 2).await;
    let all: HashSet<String> = data.into_iter().chain(more).collect();
    let durable = || -> HashSet<String> { one.data().into_iter().chain(other.data()).collect() };
    let complete = async {
        while durable() != all {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    with_timeout(complete, || format!("{all:?}; so far {:?}", durable())).await;
    first.stop().await;
    second.stop().await;
    // Everything was committed by one of them: nothing is left for a third.
    let last = Recorder::new();
    let third = world.intake("c", &last);
    let new = publish_to_each(world, 1, 3).await;
    last.has(&new).await;
    assert_eq!(last.data(), new);
    third.stop().await;
}

pub async fn entries_after_a_kill_are_marked_and_those_after_a_stop_are_not(world: &mut World<'_>) {
    let data = world.publish("acme", 3).await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    running.acknowledged(3).await;
    assert_eq!(sink.data(), data);
    running.stop().await;

    // The reader before this one has stopped in order.
    world.publish("acme", 2).await;
    let sink = Recorder::new();
    sink.hold(true);
    let running = world.intake("b", &sink);
    assert!(!sink.taken(1).await[0].redelivered);
    running.kill().await;

    // This one has not, although it had acknowledged nothing.
    let sink = Recorder::new();
    let running = world.intake("c", &sink);
    running.acknowledged(2).await;
    assert!(sink.taken(2).await.iter().all(|entry| entry.redelivered));
    world.publish("acme", 1).await;
    running.acknowledged(3).await;
    assert!(!sink.taken(3).await[2].redelivered);
    running.stop().await;
}
