//! Tests of keys and sessions on a store, with a clock that stands still.

use std::sync::Arc;
use std::time::Duration;

use webhook_model::{Clock, Millis, Role, TenantId};
use webhook_store::sqlite::SqliteStore;
use webhook_store::{KeyAddition, Keys};

use super::{ConfiguredKey, Keyring, NewKey, Permission, Principal, SESSION_LIFETIME};

const START: Millis = Millis(1_800_000_000_000);
const HOUR: Duration = Duration::from_secs(60 * 60);

struct World {
    keyring: Keyring,
    clock: Clock,
    _folder: tempfile::TempDir,
}

fn world(configured: Vec<ConfiguredKey>) -> World {
    let folder = tempfile::TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("sender.db")).unwrap();
    let store: Arc<dyn Keys> = Arc::new(store);
    let clock = Clock::standing_at(START);
    World {
        keyring: Keyring::new(store, configured, clock.clone()),
        clock,
        _folder: folder,
    }
}

fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn root() -> ConfiguredKey {
    ConfiguredKey::new("root", Role::Admin, None, "the-text-of-the-root-key")
}

impl World {
    /// Creates a key of tenant `acme`. Returns its text.
    async fn create(&self, role: Role, lifetime: Option<Duration>) -> (Principal, String) {
        let new = NewKey {
            name: "shop".into(),
            role,
            tenant: Some(acme()),
            lifetime,
        };
        let (_, text) = self.keyring.create(new).await.unwrap().unwrap();
        let text = text.reveal().to_owned();
        (self.principal(&text).await.unwrap(), text)
    }

    async fn principal(&self, text: &str) -> Option<Principal> {
        self.keyring.principal(text.as_bytes()).await.unwrap()
    }

    async fn session(&self, token: &str) -> Option<Principal> {
        self.keyring.session(token).await.unwrap()
    }
}

#[tokio::test]
async fn a_key_is_valid_until_it_expires() {
    let world = world(vec![root()]);
    let (shop, text) = world.create(Role::Viewer, Some(HOUR)).await;
    assert_eq!(
        (shop.role, shop.tenant.as_ref()),
        (Role::Viewer, Some(&acme()))
    );
    let session = world.keyring.open_session(shop).await.unwrap();
    let token = session.token.reveal().to_owned();
    world
        .clock
        .set(START.after(HOUR - Duration::from_millis(1)));
    assert!(world.principal(&text).await.is_some() && world.session(&token).await.is_some());
    world.clock.set(START.after(HOUR));
    assert!(
        world.principal(&text).await.is_none(),
        "the key has expired"
    );
    assert!(
        world.session(&token).await.is_none(),
        "and its session with it"
    );
}

#[tokio::test]
async fn a_session_ends_with_its_time_its_key_and_by_signing_out() {
    let world = world(vec![root()]);
    let (shop, _) = world.create(Role::Operator, None).await;
    let open = async || {
        let opened = world.keyring.open_session(shop.clone()).await.unwrap();
        opened.token.reveal().to_owned()
    };
    let [first, second, third] = [open().await, open().await, open().await];
    let principal = world.session(&first).await.unwrap();
    assert_eq!(
        (principal.role, &principal.key),
        (Role::Operator, &shop.key)
    );
    assert!(principal.session.is_some() && !principal.is_portal);
    world.keyring.end_session(&first).await.unwrap();
    assert!(world.session(&first).await.is_none());
    assert!(world.session(&second).await.is_some());
    world.clock.set(START.after(SESSION_LIFETIME));
    assert!(world.session(&second).await.is_none());
    world.clock.set(START);
    world.keyring.revoke(&shop.key).await.unwrap();
    assert!(world.session(&third).await.is_none());
    assert!(world.session("wses_nothing").await.is_none());
}

#[tokio::test]
async fn a_portal_session_has_the_rights_of_its_role_and_ends_with_its_key() {
    let (world, acme) = (world(vec![root()]), acme());
    let root = world.principal("the-text-of-the-root-key").await.unwrap();
    let portal = world.keyring.open_portal(&root, &acme, Role::Viewer, HOUR);
    let portal = portal.await.unwrap().unwrap();
    let token = portal.token.reveal().to_owned();
    let principal = world.session(&token).await.unwrap();
    assert!(principal.is_portal && principal.may(Permission::Read));
    assert!(!principal.may(Permission::Operate) && !principal.may(Permission::Administer));
    assert_eq!(principal.tenant, Some(acme.clone()));
    let renewed = world.keyring.renew_portal(&acme, &portal.id, 2 * HOUR);
    assert_eq!(
        renewed.await.unwrap().unwrap().expires_at,
        START.after(2 * HOUR)
    );
    world.clock.set(START.after(HOUR));
    assert!(world.session(&token).await.is_some());
    // Another text under the same name is another key.
    let changed = ConfiguredKey::new("root", Role::Admin, None, "another-text-of-the-root");
    world.keyring.configure(vec![changed]);
    assert!(world.session(&token).await.is_none());
}

impl World {
    /// Returns the moment until which a principal has its rights.
    async fn until(&self, principal: &Principal) -> Option<Millis> {
        self.keyring.valid_until(principal).await.unwrap()
    }
}

#[tokio::test]
async fn a_principal_has_its_rights_until_its_key_or_its_session_ends() {
    let (world, acme) = (world(vec![root()]), acme());
    let root = world.principal("the-text-of-the-root-key").await.unwrap();
    assert_eq!(world.until(&root).await, Some(Millis::NEVER));
    let (shop, _) = world.create(Role::Operator, Some(3 * HOUR)).await;
    assert_eq!(world.until(&shop).await, Some(START.after(3 * HOUR)));
    let signed_in = world.keyring.open_session(shop.clone()).await.unwrap();
    let end_of_key = Some(START.after(3 * HOUR));
    assert_eq!(world.until(&signed_in.principal).await, end_of_key);
    let portal = world.keyring.open_portal(&shop, &acme, Role::Viewer, HOUR);
    let portal = portal.await.unwrap().unwrap();
    let visitor = world.session(portal.token.reveal()).await.unwrap();
    assert_eq!(world.until(&visitor).await, Some(START.after(HOUR)));
    let renewed = world.keyring.renew_portal(&acme, &portal.id, 2 * HOUR);
    renewed.await.unwrap().unwrap();
    assert_eq!(world.until(&visitor).await, Some(START.after(2 * HOUR)));
    world.clock.set(START.after(2 * HOUR));
    assert_eq!(world.until(&visitor).await, None);
    world.clock.set(START.after(3 * HOUR));
    assert_eq!(world.until(&shop).await, None);
    // The text of the key stays, and its role changes.
    let text = "the-text-of-the-root-key";
    let viewer = ConfiguredKey::new("root", Role::Viewer, Some(acme), text);
    world.keyring.configure(vec![viewer]);
    assert_eq!(world.until(&root).await, None);
}

#[tokio::test]
async fn every_end_of_a_key_or_a_session_is_announced() {
    let (world, acme) = (world(vec![root()]), acme());
    let keyring = &world.keyring;
    let (shop, _) = world.create(Role::Operator, None).await;
    let session = keyring.open_session(shop.clone()).await.unwrap();
    let portal = keyring.open_portal(&shop, &acme, Role::Viewer, HOUR);
    let portal = portal.await.unwrap().unwrap();
    let mut ends = keyring.ends();
    let mut announced = || {
        let changed = ends.has_changed().unwrap();
        ends.mark_unchanged();
        changed
    };
    keyring.refresh().await.unwrap();
    assert!(!announced(), "nothing has ended");
    let token = session.token.reveal();
    keyring.end_session(token).await.unwrap();
    assert!(announced(), "a session was signed out");
    let renewed = keyring.renew_portal(&acme, &portal.id, HOUR);
    renewed.await.unwrap();
    assert!(announced(), "a portal session has another end");
    keyring.revoke_portal(&acme, &portal.id).await.unwrap();
    assert!(announced(), "a portal session was revoked");
    // As another process does it.
    keyring.store.delete_key(&shop.key).await.unwrap();
    keyring.refresh().await.unwrap();
    assert!(announced(), "a key was deleted");
    keyring.configure(Vec::new());
    assert!(announced(), "the file has no keys any more");
}

#[tokio::test]
async fn keys_that_a_reload_removes_open_nothing() {
    let closed = world(vec![root()]);
    closed.keyring.configure(Vec::new());
    assert!(!closed.keyring.is_open());
    assert!(closed.principal("the-text-of-the-root-key").await.is_none());
    let open = world(Vec::new());
    assert!(open.keyring.is_open());
    let session = open.keyring.open_session(Principal::local()).await.unwrap();
    let token = session.token.reveal().to_owned();
    assert!(open.session(&token).await.is_some());
    open.keyring.configure(vec![root()]);
    assert!(!open.keyring.is_open() && open.session(&token).await.is_none());
}

#[tokio::test]
async fn a_name_belongs_to_one_key() {
    let world = world(vec![root()]);
    let named = |name: &str| NewKey {
        name: name.into(),
        role: Role::Admin,
        tenant: None,
        lifetime: None,
    };
    for taken in ["root", "twice"] {
        let created = world.keyring.create(named("twice")).await.unwrap();
        drop(created);
        let refused = world.keyring.create(named(taken)).await.unwrap();
        assert_eq!(refused.err(), Some(KeyAddition::Taken), "{taken}");
    }
}

#[test]
fn roles_have_their_permissions() {
    use Permission::{Administer, Enter, Operate, Publish, Read};
    let expected = [
        (Role::Admin, vec![Enter, Publish, Read, Operate, Administer]),
        (Role::Operator, vec![Enter, Read, Operate]),
        (Role::Publisher, vec![Enter, Publish]),
        (Role::Viewer, vec![Enter, Read]),
    ];
    for (role, permissions) in expected {
        let has = Permission::ALL.into_iter().filter(|one| one.is_of(role));
        assert_eq!(has.collect::<Vec<_>>(), permissions, "{}", role.name());
    }
}
