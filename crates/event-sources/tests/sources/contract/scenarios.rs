//! The guarantees while the server works.

use std::collections::HashSet;
use std::time::Duration;

use event_sources::{SinkError, SourceEntry};
use test_support::with_timeout;

use crate::contract::process::Reader;
use crate::contract::world::{MAX_DATA, World};
use crate::recorder::Recorder;

/// Returns the ids of events.
fn ids(entries: &[SourceEntry]) -> Vec<String> {
    let id = |entry: &SourceEntry| entry.content.as_ref().unwrap().id.to_string();
    entries.iter().map(id).collect()
}

pub async fn the_backlog_is_read_in_order(world: &mut World<'_>) {
    let backlog = world.publish("acme", 200).await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    running.acknowledged(200).await;
    let more = world.publish("acme", 5).await;
    running.acknowledged(205).await;
    let taken = sink.taken(205).await;
    assert_eq!(sink.data(), [backlog, more].concat());
    let kind = world.queue.kind;
    assert!(!kind.counts_reads() || taken.iter().all(|entry| !entry.redelivered));
    running.stop().await;
}

pub async fn an_entry_is_acknowledged_only_when_it_is_durable(world: &mut World<'_>) {
    let data = world.publish("acme", 3).await;
    let sink = Recorder::new();
    sink.judge(|_| Err(SinkError("no store".into())));
    let running = world.intake("a", &sink);
    sink.has(&data).await;
    // Tried again and again, and never acknowledged.
    sink.taken(12).await;
    assert_eq!(running.stats.snapshot().acknowledged, 0);
    running.stop().await;

    let next = Recorder::new();
    let running = world.intake("b", &next);
    running.acknowledged(3).await;
    assert_eq!(next.data(), data);
    running.stop().await;

    let last = Recorder::new();
    let running = world.intake("c", &last);
    let more = world.publish("acme", 1).await;
    last.has(&more).await;
    assert_eq!(last.data(), more, "acknowledged entries are not read again");
    running.stop().await;
}

pub async fn entries_of_killed_processes_are_read_again_and_are_the_same_events(
    world: &mut World<'_>,
) {
    let mut data = Vec::new();
    let mut events = HashSet::new();
    for round in 0..10 {
        data.extend(world.publish("acme", 3).await);
        let sink = Recorder::new();
        // The entries are durable, and the process is killed before they are acknowledged.
        sink.hold(true);
        let running = world.intake("a", &sink);
        sink.taken(1).await;
        running.kill().await;
        events.extend(ids(&sink.taken(1).await));
        if round == 0 && world.queue.kind.counts_reads() {
            assert!(!sink.taken(1).await[0].redelivered);
        }
    }
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    sink.has(&data).await;
    running.acknowledged(data.len()).await;
    let taken = sink.taken(data.len()).await;
    events.extend(ids(&taken));
    assert_eq!(
        events.len(),
        data.len(),
        "an entry is the same event whenever it is read"
    );
    if world.queue.kind.knows_redelivered() {
        assert!(taken.iter().any(|entry| entry.redelivered));
    }
    running.stop().await;
}

pub async fn an_invalid_entry_is_rejected_and_acknowledged(world: &mut World<'_>) {
    world.publish_data("Not A Tenant", b"1").await;
    world.publish_data("acme", b"{").await;
    let data = world.publish("acme", 1).await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    running.acknowledged(3).await;
    let taken = sink.taken(3).await;
    let code = |entry: &SourceEntry| entry.content.as_ref().err().map(|one| one.code.clone());
    let codes: Vec<_> = taken.iter().filter_map(code).collect();
    assert_eq!(codes, ["bad-tenant", world.queue.kind.code_of_bad_data()]);
    assert_eq!(sink.data(), data);
    assert_eq!(running.stats.snapshot().rejected, 2);
    running.stop().await;
}

pub async fn an_entry_that_is_too_large_is_rejected_and_acknowledged(world: &mut World<'_>) {
    world.publish_data("acme", &vec![b'1'; 300_000]).await;
    let data = world.publish("acme", 1).await;
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    running.acknowledged(2).await;
    let taken = sink.taken(2).await;
    let rejected = taken[0].content.as_ref().unwrap_err();
    assert_eq!(rejected.code, "too-large");
    assert!(rejected.reason.contains("300000"), "{}", rejected.reason);
    let kept = rejected.field("data").unwrap().bytes().len();
    assert_eq!(kept, MAX_DATA);
    assert_eq!(sink.data(), data);
    running.stop().await;
}

/// Publishes 64 entries of this size, and reads them in a process of their own. Returns the number of those
/// that were rejected.
async fn read_within_the_memory(world: &mut World<'_>, bytes: usize, max_data: usize) -> usize {
    const COUNT: usize = 64;
    const MEMORY: usize = 128 << 20;
    let data = format!("\"{}\"", "x".repeat(bytes - 2));
    // A mock cluster keeps only one entry of this size for each partition.
    world.declare_partitions(COUNT).await;
    for partition in 0..COUNT {
        world.publish_to(partition, "acme", data.as_bytes()).await;
    }
    let reader = Reader {
        url: &world.queue.url(),
        queue: &world.queue.name,
        count: COUNT,
        max_data,
        environment: &[],
    };
    let ended = reader.run().await;
    assert!(ended.passed, "{}", ended.output);
    let peak = ended.peak_bytes();
    assert!(peak > 0 && peak <= MEMORY, "{peak} bytes were in use");
    ended.rejected()
}

pub async fn large_entries_are_read_within_the_memory(world: &mut World<'_>) {
    const LARGE: usize = 8 << 20;
    assert_eq!(read_within_the_memory(world, LARGE, LARGE).await, 0);
}

pub async fn entries_that_are_too_large_are_read_within_the_memory(world: &mut World<'_>) {
    // Together they exceed it.
    const LARGE: usize = 3 << 20;
    assert_eq!(read_within_the_memory(world, LARGE, MAX_DATA).await, 64);
}

pub async fn equal_entries_of_two_sources_are_two_events(world: &mut World<'_>) {
    let mut events = HashSet::new();
    for source in ["eu", "us"] {
        let sink = Recorder::new();
        let queue = world.queue.name.clone();
        // A queue of its own for each source, with the same entry ids.
        world.queue.name = format!("{queue}-{source}");
        world.declare().await;
        world.publish_at_one_id().await;
        let running = world.intake_at(world.queue.address, "a", source, &sink);
        running.acknowledged(1).await;
        events.extend(ids(&sink.taken(1).await));
        running.stop().await;
        world.queue.name = queue;
    }
    assert_eq!(events.len(), 2, "{events:?}");
}

pub async fn a_tenant_whose_store_is_out_of_reach_delays_no_other(world: &mut World<'_>) {
    let down = world.publish("down", 8).await;
    let sink = Recorder::new();
    sink.judge(|entry| match entry.tenant.as_ref().unwrap().as_str() {
        "down" => Err(SinkError("its part of the store".into())),
        _ => Ok(()),
    });
    let running = world.intake("a", &sink);
    sink.has(&down).await;
    let up = world.publish("up", 3).await;
    running.acknowledged(3).await;
    sink.has(&up).await;
    sink.judge(|_| Ok(()));
    running.acknowledged(11).await;
    running.stop().await;
}

pub async fn the_order_of_a_tenant_is_kept_over_a_restart_of_the_reader(world: &mut World<'_>) {
    let mut data = world.publish("acme", 20).await;
    let first = Recorder::new();
    let stopped_at = data[9].clone();
    // The tenth entry is not stored: it and those behind it are left to the next reader.
    first.judge(move |entry| {
        let event = entry.content.as_ref().unwrap();
        let number: usize = std::str::from_utf8(&event.data).unwrap().parse().unwrap();
        let limit: usize = stopped_at.parse().unwrap();
        if number >= limit {
            Err(SinkError("no store".into()))
        } else {
            Ok(())
        }
    });
    let running = world.intake("a", &first);
    running.acknowledged(9).await;
    running.stop().await;
    data.extend(world.publish("acme", 5).await);
    let second = Recorder::new();
    let running = world.intake("b", &second);
    running.acknowledged(16).await;
    assert_eq!(second.data(), data[9..]);
    running.stop().await;
}

pub async fn a_reader_that_stops_leaves_nothing_half_done(world: &mut World<'_>) {
    let data = world.publish("acme", 50).await;
    let sink = Recorder::new();
    sink.set_room(10);
    let running = world.intake("a", &sink);
    sink.taken(10).await;
    running.stop().await;
    let stored = sink.data();
    let next = Recorder::new();
    let running = world.intake("b", &next);
    running.acknowledged(50 - stored.len()).await;
    // Every entry that was stored was acknowledged, and the others are there for the next at once.
    assert_eq!([stored, next.data()].concat(), data);
    running.stop().await;
}

pub async fn three_readers_share_a_queue(world: &mut World<'_>) {
    let sinks = [Recorder::new(), Recorder::new(), Recorder::new()];
    let readers = ["a", "b", "c"].into_iter().zip(&sinks);
    let readers: Vec<_> = readers
        .map(|(name, sink)| world.intake(name, sink))
        .collect();
    let data = world.publish("acme", 300).await;
    let all = async {
        loop {
            let stats = readers
                .iter()
                .map(|reader| reader.stats.snapshot().acknowledged);
            if stats.sum::<u64>() >= 300 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    with_timeout(all, || "all entries".into()).await;
    let mut seen: Vec<String> = sinks.iter().flat_map(|sink| sink.data()).collect();
    seen.sort_by_key(|data| data.parse::<usize>().unwrap());
    assert_eq!(seen, data, "every entry was read by one of them");
    for reader in readers {
        reader.stop().await;
    }
}

pub async fn an_entry_under_way_for_long_is_not_read_again(world: &mut World<'_>) {
    // One: of several, the others may come in a batch of their own, which waits behind the first.
    let data = world.publish("acme", 1).await;
    let (slow, other) = (Recorder::new(), Recorder::new());
    slow.hold(true);
    let running = world.intake("a", &slow);
    slow.has(&data).await;
    let second = world.intake("b", &other);
    // Longer than the lease of the readers.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(other.data(), [""; 0]);
    slow.hold(false);
    running.acknowledged(1).await;
    running.stop().await;
    second.stop().await;
}

pub async fn the_lag_and_the_health_are_those_of_the_queue(world: &mut World<'_>) {
    world.publish("acme", 3).await;
    let sink = Recorder::new();
    let (intake, _) = world
        .queue
        .intake("a", "source", world.bounds, sink.clone());
    intake.ping().await.unwrap();
    let running = world.intake("b", &sink);
    running.acknowledged(3).await;
    let none_left = async {
        while intake.lag().await.unwrap() != Some(0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(none_left, || "a lag of 0".into()).await;
    running.stop().await;
    world.publish("acme", 4).await;
    let left = async {
        while intake.lag().await.unwrap() != Some(4) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(left, || "a lag of 4".into()).await;
}
