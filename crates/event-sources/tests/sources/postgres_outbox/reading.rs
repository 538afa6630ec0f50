//! The order and the moment in which rows are read.

use std::time::{Duration, Instant};

use super::world::World;
use crate::recorder::Recorder;

/// The interval at which a table is read without a notification, in the source.
const POLL: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_commit_late_are_not_missed_and_wait_for_no_poll() {
    const ROUNDS: usize = 8;
    let world = World::new().await;
    let sink = Recorder::new();
    let running = world.intake(&sink);
    let (early, late) = (world.client().await, world.client().await);
    let began = Instant::now();
    let mut expected = Vec::new();
    for round in 0..ROUNDS {
        let (first, second) = (round * 2, round * 2 + 1);
        late.batch_execute("BEGIN").await.unwrap();
        world.insert(&late, &first.to_string()).await;
        world.insert(&early, &second.to_string()).await;
        sink.taken(expected.len() + 1).await;
        late.batch_execute("COMMIT").await.unwrap();
        expected.extend([second.to_string(), first.to_string()]);
        sink.taken(expected.len()).await;
    }
    assert_eq!(sink.data(), expected, "the order of the commits");
    // Each of them would wait for the poll.
    let polled = POLL * u32::try_from(ROUNDS).unwrap();
    assert!(began.elapsed() < polled / 2, "{:?}", began.elapsed());
    world.has_rows(0).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_was_open_before_a_reader_waited_wakes_it() {
    let world = World::new().await;
    let (writer, sink) = (world.client().await, Recorder::new());
    // It inserts while no reader waits, so it does not notify.
    writer.batch_execute("BEGIN").await.unwrap();
    world.insert(&writer, "1").await;
    let running = world.intake(&sink);
    sink.asked(2).await;
    let began = Instant::now();
    writer.batch_execute("COMMIT").await.unwrap();
    sink.taken(1).await;
    let took = began.elapsed();
    // Once it may fall on the poll.
    if took > POLL / 2 {
        writer.batch_execute("BEGIN").await.unwrap();
        world.insert(&writer, "2").await;
        let began = Instant::now();
        writer.batch_execute("COMMIT").await.unwrap();
        sink.taken(2).await;
        assert!(
            began.elapsed() < POLL / 2,
            "{took:?}, {:?}",
            began.elapsed()
        );
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_another_transaction_has_locked_delays_nothing_and_is_removed_later() {
    let world = World::new().await;
    let (stranger, sink) = (world.client().await, Recorder::new());
    world.insert(&stranger, "1").await;
    let lock = format!("BEGIN; SELECT FROM {} FOR UPDATE", world.table);
    stranger.batch_execute(&lock).await.unwrap();
    let writer = world.client().await;
    for data in 2..=20 {
        world.insert(&writer, &data.to_string()).await;
    }
    let running = world.intake(&sink);
    let taken = sink.taken(20).await;
    world.has_rows(1).await;
    stranger.batch_execute("COMMIT").await.unwrap();
    world.has_rows(0).await;
    assert_eq!(sink.ids().len(), taken.len(), "no row was read twice");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_process_finds_at_its_start_may_have_been_read_before() {
    let world = World::new().await;
    let (writer, sink) = (world.client().await, Recorder::new());
    world.insert(&writer, "1").await;
    let running = world.intake(&sink);
    assert!(sink.taken(1).await[0].redelivered);
    world.insert(&writer, "2").await;
    assert!(!sink.taken(2).await[1].redelivered);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_dropped_and_created_again_is_another_one() {
    let world = World::new().await;
    let (writer, sink) = (world.client().await, Recorder::new());
    let running = world.intake(&sink);
    world.insert(&writer, "1").await;
    sink.taken(1).await;
    world.has_rows(0).await;
    world.create(&format!("DROP TABLE {};", world.table)).await;
    world.insert(&writer, "2").await;
    let taken = sink.taken(2).await;
    assert_eq!(taken[0].id, taken[1].id, "the rows have one id");
    assert_ne!(taken[0].derived, taken[1].derived);
    running.stop().await;
}
