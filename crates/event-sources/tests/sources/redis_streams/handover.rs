//! The reader's lease: one process reads at a time.

use std::time::Duration;

use event_sources::SinkError;
use test_support::with_timeout;
use webhook_model::Owner;

use crate::redis_streams::world::{Recorder, World};

/// A process on another host, which cannot be checked for being alive.
fn elsewhere(name: &str) -> Owner {
    Owner {
        host: format!("machine of {name}"),
        ..Owner::this_process(name)
    }
}

#[tokio::test]
async fn a_second_process_waits_while_the_first_reads() {
    let world = World::new().await;
    let (one, other) = (Recorder::new(), Recorder::new());
    let first = world.intake_with(world.settings(elsewhere("a")), &one);
    world.publish(0).await;
    one.taken(1).await;
    let second = world.intake_with(world.settings(elsewhere("b")), &other);
    let connected = async {
        while !second.stats.snapshot().connected {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    with_timeout(connected, || "the second to wait for the lease".into()).await;
    world.publish_all(1..50).await;
    one.taken(50).await;
    assert_eq!(other.ids(), [""; 0]);
    assert!(first.stats.snapshot().reading && !second.stats.snapshot().reading);
}

#[tokio::test]
async fn a_reader_that_stops_hands_the_lease_over_at_once() {
    let world = World::new().await;
    let (one, other) = (Recorder::new(), Recorder::new());
    let mut settings = world.settings(elsewhere("a"));
    // Far longer than the test may take.
    settings.lease = Duration::from_secs(3600);
    let first = world.intake_with(settings.clone(), &one);
    world.publish(0).await;
    one.taken(1).await;
    settings.owner = elsewhere("b");
    let _second = world.intake_with(settings, &other);
    first.stop().await;
    let id = world.publish(1).await;
    assert_eq!(other.taken(1).await[0].id, id);
}

#[tokio::test]
async fn entries_of_a_crashed_reader_are_read_by_the_next_in_order() {
    let world = World::new().await;
    let (one, other) = (Recorder::new(), Recorder::new());
    one.hold(true);
    let mut settings = world.settings(elsewhere("a"));
    settings.lease = Duration::from_secs(1);
    // Published before it reads: it reads all of them at once, and no more while the sink blocks.
    let old = world.publish_all(0..3).await;
    let first = world.intake_with(settings.clone(), &one);
    one.taken(3).await;
    first.crash().await;
    let new = world.publish_all(3..5).await;
    settings.owner = elsewhere("b");
    let second = world.intake_with(settings, &other);
    other.taken(5).await;
    assert_eq!(other.ids()[..], [old, new].concat());
    world.acknowledged(&second, 5).await;
    assert_eq!(world.pending().await, 0);
}

#[tokio::test]
async fn a_reader_whose_process_is_dead_is_replaced_before_its_lease_expires() {
    let world = World::new().await;
    let one = Recorder::new();
    let mut process = std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    let mut settings = world.settings(Owner::this_process("a"));
    settings.owner.pid = process.id();
    settings.lease = Duration::from_secs(3600);
    let first = world.intake_with(settings.clone(), &one);
    world.publish(0).await;
    one.taken(1).await;
    first.crash().await;
    process.kill().unwrap();
    process.wait().unwrap();

    let other = Recorder::new();
    settings.owner = Owner::this_process("b");
    let _second = world.intake_with(settings, &other);
    let id = world.publish(1).await;
    // The first entry may not have been acknowledged before the crash.
    let taken = async {
        while !other.ids().contains(&id) {
            tokio::task::yield_now().await
        }
    };
    with_timeout(taken, || format!("`{id}` in {:?}", other.ids())).await;
}

#[tokio::test]
async fn entries_keep_their_order_while_readers_take_turns() {
    let world = World::new().await;
    let order: std::sync::Arc<std::sync::Mutex<Vec<String>>> = Default::default();
    let mut runs = Vec::new();
    for name in ["a", "b", "c"] {
        let sink = Recorder::new();
        let seen = order.clone();
        sink.judge(move |taken| {
            seen.lock().unwrap().push(taken.id.clone());
            Ok(())
        });
        sink.set_room(2);
        runs.push((
            world.intake_with(world.settings(elsewhere(name)), &sink),
            sink,
        ));
    }
    let mut ids = Vec::new();
    for turn in 0..30 {
        ids.push(world.publish(turn).await);
        let (_, sink) = &runs[turn % 3];
        sink.set_room(0);
        tokio::task::yield_now().await;
        let (_, next) = &runs[(turn + 1) % 3];
        next.set_room(2);
    }
    for (_, sink) in &runs {
        sink.set_room(2);
    }
    let all = async {
        while order.lock().unwrap().len() < 30 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    with_timeout(all, || format!("30 entries: {:?}", order.lock().unwrap())).await;
    assert_eq!(*order.lock().unwrap(), ids);
}

#[tokio::test]
async fn a_reader_that_stops_without_the_store_leaves_entries_behind_an_undurable_one_pending() {
    let world = World::new().await;
    let ids = world.publish_all(0..150).await;
    let sink = Recorder::new();
    let first = ids[0].clone();
    sink.judge(move |entry| {
        if entry.id == first {
            Err(SinkError("no store".into()))
        } else {
            Ok(())
        }
    });
    let running = world.intake("a", &sink);
    sink.taken(1).await;
    let first_call = sink.calls()[0];
    running.stop().await;
    assert!(
        first_call < ids.len(),
        "the first call did not take everything"
    );
    assert!(sink.ids().iter().all(|id| ids[..first_call].contains(id)));

    let next = Recorder::new();
    let running = world.intake("b", &next);
    let left = 1 + ids.len() - first_call;
    world.acknowledged(&running, left as u64).await;
    assert_eq!(next.ids()[0], ids[0]);
    assert_eq!(next.ids()[1..], ids[first_call..]);
}
