//! Fixtures: a store that files are applied to, and receivers of handshakes.

use std::sync::Mutex;

use async_trait::async_trait;
use tempfile::TempDir;
use webhook_model::{Endpoint, Millis, Secret, TenantId};
use webhook_sender::config::{
    Applied, Config, FailedHandshake, HandshakeTarget, Handshakes, apply,
};
use webhook_store::Tenants;
use webhook_store::sqlite::SqliteStore;

pub const NOW: Millis = Millis(1_000);
pub const LATER: Millis = Millis(2_000);

pub struct World {
    pub store: SqliteStore,
    pub receivers: Receivers,
    _folder: TempDir,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("sender.db")).unwrap();
        Self {
            store,
            receivers: Receivers::default(),
            _folder: folder,
        }
    }

    pub async fn apply(&self, file: &str, now: Millis) -> Applied {
        let (_, applied, _) = self.apply_tracked(file, now).await;
        applied
    }

    /// Applies a file, and returns what [`retry_handshakes`] needs as well.
    ///
    /// [`retry_handshakes`]: webhook_sender::config::retry_handshakes
    pub async fn apply_tracked(
        &self,
        file: &str,
        now: Millis,
    ) -> (Config, Applied, Vec<FailedHandshake>) {
        let config = Config::parse(file, "sender.toml".as_ref()).unwrap_or_else(|e| panic!("{e}"));
        let (applied, failed) = apply(&config, &self.store, &self.receivers, now)
            .await
            .unwrap();
        (config, applied, failed)
    }

    pub async fn endpoints(&self, tenant: &str) -> Vec<Endpoint> {
        let tenant = TenantId::parse(tenant).unwrap();
        self.store
            .endpoints(&tenant)
            .await
            .unwrap()
            .map(|(_, all)| all)
            .unwrap_or_default()
    }

    pub async fn one(&self, id: &str) -> Endpoint {
        let all = self.endpoints("acme").await;
        all.into_iter()
            .find(|endpoint| endpoint.id.as_str() == id)
            .expect("the endpoint exists")
    }
}

/// Receivers that accept or reject their keys.
#[derive(Default)]
pub struct Receivers {
    refuse: Mutex<bool>,
    /// URLs and the keys that they accepted.
    taken: Mutex<Vec<(String, String)>>,
}

impl Receivers {
    pub fn refuse(&self, refuse: bool) {
        *self.refuse.lock().unwrap() = refuse;
    }

    /// Returns the URLs and keys that were accepted since the last call.
    pub fn taken(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.taken.lock().unwrap())
    }
}

#[async_trait]
impl Handshakes for Receivers {
    async fn perform(&self, target: HandshakeTarget<'_>, key: &Secret) -> anyhow::Result<()> {
        anyhow::ensure!(!*self.refuse.lock().unwrap(), "rejected");
        let taken = (target.url.to_owned(), key.reveal().to_owned());
        self.taken.lock().unwrap().push(taken);
        Ok(())
    }
}

/// Returns a file with these endpoints. Those without a secret or a handshake get a secret.
pub fn file(endpoints: &[(&str, &str)]) -> String {
    let table = |(id, more): &(&str, &str)| {
        let secret = if more.contains("secret") || more.contains("handshake") {
            ""
        } else {
            "secret = 'a-secret-of-the-file-itself'\n"
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
