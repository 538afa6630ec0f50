//! Files that declare much less than the one before, and are therefore probably damaged.

use async_trait::async_trait;
use tempfile::TempDir;
use webhook_model::{Millis, Secret, TenantId};
use webhook_sender::config::{
    Applied, ApplyError, Config, HandshakeTarget, Handshakes, Removal, apply,
};
use webhook_store::Tenants;
use webhook_store::sqlite::SqliteStore;

/// A receiver that no handshake may reach.
struct NoHandshakes;

#[async_trait]
impl Handshakes for NoHandshakes {
    async fn perform(&self, target: HandshakeTarget<'_>, _: &Secret) -> anyhow::Result<()> {
        panic!("a handshake with {}", target.url)
    }
}

struct World {
    store: SqliteStore,
    _folder: TempDir,
}

impl World {
    /// Returns a store to which a file with four endpoints was applied.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("sender.db")).unwrap();
        let world = Self {
            store,
            _folder: folder,
        };
        let applied = world.apply(&file("", &["a", "b", "c", "d"])).await.unwrap();
        assert_eq!(applied.created, 4);
        world
    }

    async fn apply(&self, text: &str) -> Result<Applied, ApplyError> {
        let config = Config::parse(text, "sender.toml".as_ref()).unwrap();
        let applied = apply(&config, &self.store, &NoHandshakes, Millis(1_000)).await;
        applied.map(|(applied, _)| applied)
    }

    async fn count(&self) -> usize {
        let tenant = TenantId::parse("acme").unwrap();
        let stored = self.store.endpoints(&tenant).await.unwrap();
        stored.expect("the tenant").1.len()
    }

    async fn refused(&self, text: &str, removed: usize, kept: usize) {
        let error = self.apply(text).await.expect_err(text);
        let expected = Removal { removed, kept };
        assert!(
            matches!(&error, ApplyError::Removal(found) if *found == expected),
            "{error}"
        );
        let said = error.to_string();
        assert!(
            said.contains(&format!("confirm_removal = {removed}")),
            "{said}"
        );
        assert_eq!(self.count().await, removed + kept, "nothing was removed");
    }
}

fn file(head: &str, endpoints: &[&str]) -> String {
    let endpoint = |id: &&str| {
        format!(
            "[[tenant.endpoint]]\nid = '{id}'\nurl = 'https://example.com/{id}'\nevents = ['*']\n\
             secret = 'a-secret-of-the-file-of-tenants'\n"
        )
    };
    let endpoints: String = endpoints.iter().map(endpoint).collect();
    format!("{head}\n[[tenant]]\nid = 'acme'\n{endpoints}")
}

#[tokio::test]
async fn a_file_that_removes_more_than_it_keeps_changes_nothing_unless_it_is_confirmed() {
    let world = World::new().await;
    world.refused("", 4, 0).await;
    world.refused(&file("", &["a"]), 3, 1).await;
    // New endpoints are not counted as kept, and an endpoint that needs a handshake gets no request.
    let renamed = file("", &["e", "f", "g", "h"]).replace("secret", "handshake = 'key' #");
    world.refused(&renamed, 4, 0).await;

    let applied = world.apply(&file("", &["a", "b"])).await.unwrap();
    assert_eq!((applied.removed, world.count().await), (2, 2));
    let applied = world.apply("confirm_removal = 2").await.unwrap();
    assert_eq!((applied.removed, world.count().await), (2, 0));
}

#[tokio::test]
async fn a_confirmation_is_for_one_removal_only() {
    let world = World::new().await;
    world
        .refused(&file("confirm_removal = 4", &["a"]), 3, 1)
        .await;
    let applied = world.apply(&file("confirm_removal = 3", &["a"])).await;
    assert_eq!(applied.unwrap().removed, 3);
    // It stays in the file, which lacks the others.
    world.refused("confirm_removal = 3", 1, 0).await;
}

#[tokio::test]
async fn endpoints_of_the_api_are_no_part_of_the_count() {
    let world = World::new().await;
    let tenant = TenantId::parse("acme").unwrap();
    let (_, endpoints) = world.store.endpoints(&tenant).await.unwrap().unwrap();
    for mut endpoint in endpoints.into_iter().take(3) {
        let version = endpoint.version;
        endpoint.origin = webhook_model::Origin::Api;
        world
            .store
            .put_endpoint(&endpoint, Some(version))
            .await
            .unwrap();
    }
    let error = world.apply("").await.expect_err("the one of the file");
    assert!(error.to_string().contains("remove 1 of the 1"), "{error}");
}
