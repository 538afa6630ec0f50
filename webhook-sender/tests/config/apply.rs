//! A store that follows a file.

use std::sync::Mutex;

use async_trait::async_trait;
use tempfile::TempDir;
use webhook_model::{Endpoint, EndpointId, Handshake, Millis, Origin, Secret, TenantId};
use webhook_sender::config::{Applied, Config, HandshakeTarget, Handshakes, apply};
use webhook_store::Tenants;
use webhook_store::sqlite::SqliteStore;

const NOW: Millis = Millis(1_000);
const LATER: Millis = Millis(2_000);

struct World {
    store: SqliteStore,
    receivers: Receivers,
    _folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("sender.db")).unwrap();
        Self {
            store,
            receivers: Receivers::default(),
            _folder: folder,
        }
    }

    async fn apply(&self, file: &str, now: Millis) -> Applied {
        let config = Config::parse(file, "sender.toml".as_ref()).unwrap_or_else(|e| panic!("{e}"));
        apply(&config, &self.store, &self.receivers, now)
            .await
            .unwrap()
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

/// Receivers that take their keys, or do not.
#[derive(Default)]
struct Receivers {
    refuse: Mutex<bool>,
    /// URLs and the keys they took.
    taken: Mutex<Vec<(String, String)>>,
}

impl Receivers {
    fn refuse(&self, refuse: bool) {
        *self.refuse.lock().unwrap() = refuse;
    }

    /// What was taken since the last time.
    fn taken(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.taken.lock().unwrap())
    }
}

#[async_trait]
impl Handshakes for Receivers {
    async fn perform(&self, target: HandshakeTarget<'_>, key: &Secret) -> anyhow::Result<()> {
        anyhow::ensure!(!*self.refuse.lock().unwrap(), "refused");
        let taken = (target.url.to_owned(), key.reveal().to_owned());
        self.taken.lock().unwrap().push(taken);
        Ok(())
    }
}

/// Endpoints with a secret each, but those that declare one or a handshake.
fn file(endpoints: &[(&str, &str)]) -> String {
    let table = |(id, more): &(&str, &str)| {
        let secret = match more.contains("secret") || more.contains("handshake") {
            true => "",
            false => "secret = 'a-secret-of-the-file-itself'\n",
        };
        format!(
            "[[tenant.endpoint]]\nid = '{id}'\nurl = 'https://example.com/{id}'\nevents = ['*']\n{secret}{more}\n"
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
        assert_ne!(
            new, key,
            "what one receiver was given is handed to no other"
        );
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
async fn an_endpoint_whose_handshake_failed_is_planned_for_and_asked_again() {
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
async fn an_endpoint_whose_handshake_fails_after_a_change_stays_as_it_was() {
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
async fn a_disabled_endpoint_has_its_handshake_when_it_is_enabled() {
    let world = World::new();
    let off = file(&[("a", "handshake = 'key'\nenabled = false")]);
    assert_eq!(world.apply(&off, NOW).await.waiting, 0);
    assert_eq!(world.apply(&off, LATER).await, Applied::default());
    assert_eq!(world.receivers.taken(), []);
    world.apply(&file(&[("a", KEY)]), LATER).await;
    assert_eq!(world.receivers.taken().len(), 1);
    assert_eq!(world.one("a").await.handshake, Some(Handshake::Key));
}
