//! The handshakes of a file, and their retries.

use webhook_model::Handshake;
use webhook_sender::config::{Applied, FailedHandshake, retry_handshakes};

use crate::world::{LATER, NOW, World, file};

const KEY: &str = "handshake = 'key'";

fn waiting(count: usize) -> Applied {
    Applied {
        waiting: count,
        ..Applied::default()
    }
}

#[tokio::test]
async fn a_handshake_is_made_once_and_again_for_another_url_or_secret() {
    let world = World::new();
    let applied = world.apply(&file(&[("a", KEY), ("b", "")]), NOW).await;
    assert_eq!((applied.created, applied.waiting), (2, 0));
    let a = world.one("a").await;
    assert_eq!(a.handshake, Some(Handshake::Key));
    let key = a.secrets[0].reveal().to_owned();
    let taken = |path: &str, key: &str| (format!("https://example.com/{path}"), key.to_owned());
    assert_eq!(world.receivers.taken(), [taken("a", &key)]);

    let same = file(&[("a", KEY), ("b", "")]);
    assert_eq!(world.apply(&same, LATER).await, Applied::default());
    world
        .apply(&file(&[("a", "handshake = 'key'\nordered = true")]), LATER)
        .await;
    assert_eq!(world.receivers.taken(), []);

    let moved = file(&[("a", KEY)]).replace("com/a", "com/new");
    assert_eq!(world.apply(&moved, LATER).await.changed, 1);
    let key = {
        let new = world.one("a").await.secrets[0].reveal().to_owned();
        assert_ne!(new, key, "the key of one receiver is not sent to another");
        new
    };
    assert_eq!(world.receivers.taken(), [taken("new", &key)]);

    let other = moved.clone() + "secret = 'another-secret-of-the-endpoint'\n";
    assert_eq!(world.apply(&other, LATER).await.changed, 1);
    assert_eq!(
        world.receivers.taken(),
        [taken("new", "another-secret-of-the-endpoint")]
    );
    let secrets = world.one("a").await.secrets;
    let secrets: Vec<_> = secrets.iter().map(|one| one.reveal()).collect();
    assert_eq!(secrets[..2], ["another-secret-of-the-endpoint", &key]);
}

#[tokio::test]
async fn an_endpoint_whose_handshake_failed_is_planned_for_and_its_handshake_is_retried() {
    let world = World::new();
    world.receivers.refuse(true);
    let declared = file(&[("a", KEY)]);
    let applied = world.apply(&declared, NOW).await;
    assert_eq!((applied.created, applied.waiting), (1, 1));
    let before = world.one("a").await;
    assert!(before.enabled, "its events would be lost");
    assert_eq!(before.handshake, None);
    assert_eq!(world.apply(&declared, LATER).await, waiting(1));

    world.receivers.refuse(false);
    let applied = world.apply(&declared, LATER).await;
    assert_eq!((applied.changed, applied.waiting), (1, 0));
    let after = world.one("a").await;
    assert_eq!(after.handshake, Some(Handshake::Key));
    assert_eq!(after.secrets, before.secrets, "the key that has signed");
    let (_, key) = &world.receivers.taken()[0];
    assert_eq!(key, before.secrets[0].reveal());
}

#[tokio::test]
async fn an_endpoint_whose_handshake_fails_after_a_change_stays_unchanged() {
    let world = World::new();
    world.apply(&file(&[("a", KEY)]), NOW).await;
    let before = world.one("a").await;
    world.receivers.refuse(true);
    let moved = file(&[("a", KEY)]).replace("com/a", "com/new");
    assert_eq!(world.apply(&moved, LATER).await, waiting(1));
    assert_eq!(world.one("a").await, before);
    world.receivers.refuse(false);
    assert_eq!(world.apply(&moved, LATER).await.changed, 1);
    assert_eq!(world.one("a").await.url, "https://example.com/new");
}

#[tokio::test]
async fn the_handshake_of_a_disabled_endpoint_is_made_when_it_is_enabled() {
    let world = World::new();
    let off = file(&[("a", "handshake = 'key'\nenabled = false")]);
    assert_eq!(world.apply(&off, NOW).await.waiting, 0);
    assert_eq!(world.apply(&off, LATER).await, Applied::default());
    assert_eq!(world.receivers.taken(), []);
    world.apply(&file(&[("a", KEY)]), LATER).await;
    assert_eq!(world.receivers.taken().len(), 1);
    assert_eq!(world.one("a").await.handshake, Some(Handshake::Key));
}

#[tokio::test]
async fn a_retried_handshake_stores_its_endpoint_and_writes_nothing_else() {
    let world = World::new();
    world.receivers.refuse(true);
    let (config, _, failed) = world
        .apply_tracked(&file(&[("a", KEY), ("b", "")]), NOW)
        .await;
    // Another process applies a newer file, which this one has not read yet.
    let newer = file(&[("a", KEY), ("b", "ordered = true"), ("c", "")]);
    world.apply(&newer, LATER).await;
    let others = [world.one("b").await, world.one("c").await];

    let retry = async |failed: &[FailedHandshake]| {
        let (store, receivers) = (&world.store, &world.receivers);
        let retried = retry_handshakes(&config, failed, store, receivers, LATER).await;
        retried.unwrap()
    };
    let retried = retry(&failed).await;
    assert_eq!((retried.accepted, retried.failed.len()), (0, 1));
    world.receivers.refuse(false);
    let retried = retry(&retried.failed).await;
    assert_eq!((retried.accepted, retried.failed.len()), (1, 0));
    assert_eq!(world.one("a").await.handshake, Some(Handshake::Key));
    assert_eq!([world.one("b").await, world.one("c").await], others);
}

#[tokio::test]
async fn a_handshake_is_not_retried_once_another_process_has_changed_the_endpoint() {
    let moved = |to: &str| file(&[("a", KEY)]).replace("com/a", to);
    for before in [None, Some(file(&[("a", KEY)]))] {
        let world = World::new();
        if let Some(before) = &before {
            world.apply(before, NOW).await;
        }
        world.receivers.refuse(true);
        let (config, _, failed) = world.apply_tracked(&moved("com/old"), NOW).await;
        assert_eq!(failed.len(), 1);
        world.receivers.refuse(false);
        world.apply(&moved("com/new"), LATER).await;
        world.receivers.taken();

        let (store, receivers) = (&world.store, &world.receivers);
        let retried = retry_handshakes(&config, &failed, store, receivers, LATER).await;
        let retried = retried.unwrap();
        assert_eq!((retried.accepted, retried.failed.len()), (0, 0));
        assert_eq!(world.receivers.taken(), []);
        assert_eq!(world.one("a").await.url, "https://example.com/new");
    }
}
