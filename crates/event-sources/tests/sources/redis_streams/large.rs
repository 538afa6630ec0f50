//! Entries that exceed the size of an event, and large redelivered entries.

use webhook_model::Owner;

use crate::redis_streams::world::{Recorder, World};

const MAX: usize = 1000;

#[tokio::test]
async fn no_more_of_a_pending_entry_is_read_than_an_event_may_have() {
    let world = World::new().await;
    let (noise, data) = (vec![b'n'; 200_000], vec![b'1'; 300_000]);
    let small: &[u8] = b"{\"whole\": true}";
    for data in [&data[..], small] {
        let fields = [
            ("noise", &noise[..]),
            ("tenant", b"acme"),
            ("type", b"a"),
            ("data", data),
            ("more", &noise[..]),
        ];
        world.add(&fields).await;
    }
    world.take_as("gone").await;
    let sink = Recorder::new();
    let mut settings = world.settings(Owner::this_process("a"));
    settings.bounds.max_data_bytes = MAX;
    let running = world.intake_with(settings, &sink);
    let taken = sink.taken(2).await;

    let rejected = taken[0].content.as_ref().unwrap_err();
    assert_eq!(rejected.code, "too-large");
    assert_eq!(
        rejected.reason,
        "data of 300000 bytes; at most 1000 are allowed"
    );
    assert_eq!(rejected.field("data").unwrap().bytes().len(), MAX);
    let bytes = rejected.fields.iter().map(|(_, value)| value.bytes().len());
    assert!(bytes.sum::<usize>() < 100_000);
    // Additional fields do not prevent an event from being planned.
    assert_eq!(&taken[1].content.as_ref().unwrap().data[..], small);
    world.acknowledged(&running, 2).await;
}

#[tokio::test]
async fn large_redelivered_entries_are_claimed_within_the_bounds() {
    let world = World::new().await;
    let data = vec![b'1'; 100_000];
    for tenant in ["a", "b", "c", "d"] {
        for _ in 0..3 {
            let fields = [
                ("tenant", tenant.as_bytes()),
                ("type", b"a"),
                ("data", &data),
            ];
            world.add(&fields).await;
        }
    }
    world.take_as("gone").await;
    let sink = Recorder::new();
    sink.hold(true);
    let mut settings = world.settings(Owner::this_process("a"));
    settings.bounds.max_bytes = 210_000;
    let running = world.intake_with(settings, &sink);
    sink.taken(2).await;
    sink.asked(3).await;
    assert_eq!(sink.ids().len(), 2, "no more entries fit into memory");
    sink.hold(false);
    world.acknowledged(&running, 12).await;
}

#[tokio::test]
async fn new_entries_that_exceed_the_bound_together_are_claimed_within_it() {
    let world = World::new().await;
    let data = format!("\"{}\"", "x".repeat(200_000));
    for _ in 0..8 {
        let fields: [(&str, &[u8]); 3] = [
            ("tenant", b"acme"),
            ("type", b"a"),
            ("data", data.as_bytes()),
        ];
        world.add(&fields).await;
    }
    let sink = Recorder::new();
    let mut settings = world.settings(Owner::this_process("a"));
    (settings.bounds.max_bytes, settings.bounds.max_data_bytes) = (500_000, 300_000);
    let running = world.intake_with(settings, &sink);
    world.acknowledged(&running, 8).await;
    assert_eq!(sink.ids().len(), 8, "none is planned twice");
    let stats = running.stats.snapshot();
    assert_eq!((stats.claimed, stats.failures), (8, 0));
    let taken = sink.taken(8).await;
    assert!(taken.iter().all(|entry| !entry.redelivered));
}
