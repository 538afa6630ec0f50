//! A store that follows a file.

use tempfile::TempDir;
use webhook_sender::config::{Applied, Config, apply};
use webhook_sender::model::{Endpoint, EndpointId, Millis, Origin, TenantId};
use webhook_sender::store::Store;
use webhook_sender::store::sqlite::SqliteStore;

const NOW: Millis = Millis(1_000);
const LATER: Millis = Millis(2_000);

struct World {
    store: SqliteStore,
    _folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("sender.db")).unwrap();
        Self {
            store,
            _folder: folder,
        }
    }

    async fn apply(&self, file: &str, now: Millis) -> Applied {
        let config = Config::parse(file, "sender.toml".as_ref()).unwrap_or_else(|e| panic!("{e}"));
        apply(&config, &self.store, now).await.unwrap()
    }

    async fn endpoints(&self, tenant: &str) -> Vec<Endpoint> {
        let tenant = TenantId::parse(tenant).unwrap();
        self.store
            .endpoints(&tenant)
            .await
            .unwrap()
            .map(|(_, all)| all)
            .unwrap_or_default()
    }

    async fn one(&self, id: &str) -> Endpoint {
        let all = self.endpoints("acme").await;
        all.into_iter()
            .find(|endpoint| endpoint.id.as_str() == id)
            .expect("the endpoint is there")
    }
}

fn file(endpoints: &[(&str, &str)]) -> String {
    let table = |(id, more): &(&str, &str)| {
        format!(
            "[[tenant.endpoint]]\nid = '{id}'\nurl = 'https://example.com/{id}'\nevents = ['*']\n{more}\n"
        )
    };
    format!(
        "[[tenant]]\nid = 'acme'\n{}",
        endpoints.iter().map(table).collect::<String>()
    )
}

#[tokio::test]
async fn what_a_file_declares_is_made_once() {
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
async fn what_changed_is_changed_and_what_is_known_of_it_is_kept() {
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
async fn what_is_no_longer_declared_goes_and_what_the_api_made_stays() {
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
    // A tenant that is no longer declared keeps what is not the file's.
    let applied = world.apply("", LATER).await;
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
async fn an_endpoint_of_the_api_that_the_file_declares_becomes_the_files() {
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
async fn an_endpoint_that_the_sender_disabled_stays_so_until_it_moves() {
    let world = World::new();
    world.apply(&file(&[("a", "")]), NOW).await;
    let a = world.one("a").await;
    let reason = Some("answered 410".to_owned());
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
async fn an_endpoint_that_the_file_disables_has_no_reason_of_the_sender() {
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
    world.apply(&declared("first-secret"), NOW).await;
    world.apply(&declared("second-secret"), LATER).await;
    let after = world.one("a").await;
    let secrets: Vec<_> = after
        .secrets
        .iter()
        .map(|one| (one.reveal(), one.expires_at))
        .collect();
    let expires = Millis(LATER.0 + 24 * 60 * 60 * 1000);
    assert_eq!(
        secrets,
        [("second-secret", None), ("first-secret", Some(expires))]
    );
}
