//! Applying a file to a store.

use webhook_model::{Endpoint, EndpointId, Millis, Origin};
use webhook_sender::config::Applied;
use webhook_store::Tenants;

use crate::world::{LATER, NOW, World, file};

#[tokio::test]
async fn declared_endpoints_are_created_once() {
    let world = World::new();
    let declared = file(&[("a", ""), ("b", "ordered = true")]);
    let applied = world.apply(&declared, NOW).await;
    assert_eq!(
        applied,
        Applied {
            tenants: 1,
            created: 2,
            ..Applied::default()
        }
    );
    let before = world.endpoints("acme").await;
    assert!(
        before
            .iter()
            .all(|one| one.origin == Origin::Config && one.created_at == NOW)
    );
    assert!(before[1].ordered);
    assert_eq!(world.apply(&declared, LATER).await, Applied::default());
    assert_eq!(
        world.endpoints("acme").await,
        before,
        "secrets and versions included"
    );
}

#[tokio::test]
async fn changed_endpoints_are_updated_and_keep_their_health() {
    let world = World::new();
    world.apply(&file(&[("a", ""), ("b", "")]), NOW).await;
    let a = world.one("a").await;
    let failing = Endpoint {
        failing_since: Some(NOW),
        ..a.clone()
    };
    world
        .store
        .put_endpoint(&failing, Some(a.version))
        .await
        .unwrap();
    let b = world.one("b").await;
    let applied = world
        .apply(&file(&[("a", "rate_limit = 3"), ("b", "")]), LATER)
        .await;
    assert_eq!(
        applied,
        Applied {
            changed: 1,
            ..Applied::default()
        }
    );
    let after = world.one("a").await;
    assert_eq!(
        (after.rate_limit, after.failing_since),
        (Some(3), Some(NOW))
    );
    assert_eq!((after.created_at, after.updated_at), (NOW, LATER));
    assert_eq!(after.secrets, a.secrets);
    assert_eq!(world.one("b").await, b);
}

#[tokio::test]
async fn undeclared_endpoints_are_removed_and_those_of_the_api_stay() {
    let world = World::new();
    world.apply(&file(&[("a", ""), ("b", "")]), NOW).await;
    let id = EndpointId::parse("by-hand").unwrap();
    let by_hand = Endpoint {
        id,
        origin: Origin::Api,
        ..world.one("a").await
    };
    world.store.put_endpoint(&by_hand, None).await.unwrap();
    let applied = world.apply(&file(&[("b", "")]), LATER).await;
    assert_eq!(
        applied,
        Applied {
            removed: 1,
            ..Applied::default()
        }
    );
    let ids = async || {
        let all = world.endpoints("acme").await;
        all.into_iter()
            .map(|one| one.id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids().await, ["b", "by-hand"]);
    // A tenant that is no longer declared keeps the endpoints of the API.
    let applied = world.apply("confirm_removal = 1", LATER).await;
    assert_eq!(
        applied,
        Applied {
            removed: 1,
            ..Applied::default()
        }
    );
    assert_eq!(ids().await, ["by-hand"]);
}

#[tokio::test]
async fn an_endpoint_of_the_api_that_the_file_declares_belongs_to_the_file() {
    let world = World::new();
    world.apply(&file(&[("a", "")]), NOW).await;
    let a = world.one("a").await;
    let by_hand = Endpoint {
        origin: Origin::Api,
        ..a.clone()
    };
    world
        .store
        .put_endpoint(&by_hand, Some(a.version))
        .await
        .unwrap();
    assert_eq!(world.apply(&file(&[("a", "")]), LATER).await.changed, 1);
    assert_eq!(world.one("a").await.origin, Origin::Config);
}

#[tokio::test]
async fn an_endpoint_that_the_sender_disabled_stays_disabled_until_it_moves() {
    let world = World::new();
    world.apply(&file(&[("a", "")]), NOW).await;
    let a = world.one("a").await;
    let reason = Some("responded 410".to_owned());
    let gone = Endpoint {
        enabled: false,
        disabled_reason: reason.clone(),
        ..a.clone()
    };
    world
        .store
        .put_endpoint(&gone, Some(a.version))
        .await
        .unwrap();
    assert_eq!(
        world.apply(&file(&[("a", "")]), LATER).await,
        Applied::default()
    );
    world.apply(&file(&[("a", "rate_limit = 3")]), LATER).await;
    let after = world.one("a").await;
    assert_eq!((after.enabled, after.disabled_reason), (false, reason));
    let moved = file(&[("a", "")]).replace("com/a", "com/new");
    world.apply(&moved, LATER).await;
    let after = world.one("a").await;
    assert_eq!((after.enabled, after.disabled_reason), (true, None));
}

#[tokio::test]
async fn an_endpoint_that_the_file_disables_has_no_disabled_reason() {
    let world = World::new();
    world.apply(&file(&[("a", "enabled = false")]), NOW).await;
    let off = world.one("a").await;
    assert_eq!((off.enabled, off.disabled_reason), (false, None));
    world.apply(&file(&[("a", "")]), LATER).await;
    assert!(world.one("a").await.enabled);
}

#[tokio::test]
async fn a_secret_that_the_file_replaces_signs_for_a_day_longer() {
    let world = World::new();
    let declared = |secret: &str| file(&[("a", &format!("secret = '{secret}'"))]);
    world
        .apply(&declared("first-secret-of-the-endpoint"), NOW)
        .await;
    world
        .apply(&declared("second-secret-of-the-endpoint"), LATER)
        .await;
    let after = world.one("a").await;
    let secrets: Vec<_> = after
        .secrets
        .iter()
        .map(|one| (one.reveal(), one.expires_at))
        .collect();
    let expires = Millis(LATER.0 + 24 * 60 * 60 * 1000);
    assert_eq!(
        secrets,
        [
            ("second-secret-of-the-endpoint", None),
            ("first-secret-of-the-endpoint", Some(expires))
        ]
    );
}
