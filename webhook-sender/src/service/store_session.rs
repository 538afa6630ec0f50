//! Opens the store of a configuration, and identifies this process in it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use redis_link::Address;
use webhook_model::{Clock, Owner};
use webhook_store::Store;
use webhook_store::postgres::{self, PostgresStore};
use webhook_store::redis::RedisStore;
use webhook_store::sqlite::SqliteStore;

use super::outboxes;
use crate::config::Config;

/// The longest wait for the release of the lease when the start is aborted. A lease that is not
/// released expires by itself.
const LEAVE: Duration = Duration::from_secs(2);

/// An open store, and the identity of this process in it.
pub struct StoreSession {
    pub(super) store: Arc<dyn Store>,
    pub(super) owner: Owner,
    pub(super) clock: Clock,
}

impl StoreSession {
    /// Opens the store without acquiring a lease.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be opened.
    pub async fn open(config: &Config) -> Result<Self> {
        Ok(Self {
            store: open(config).await?,
            owner: Owner::this_process(&config.name),
            clock: Clock::system(),
        })
    }

    /// Releases the lease of this process, if it has one.
    pub async fn leave(self) {
        let left = self.store.release_lease(&self.owner, self.clock.now());
        match tokio::time::timeout(LEAVE, left).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "lease not released"),
            Err(_) => tracing::warn!("lease not released: the store does not respond"),
        }
    }
}

async fn open(config: &Config) -> Result<Arc<dyn Store>> {
    let url = config.store.url.reveal();
    if let Some(path) = url.strip_prefix("sqlite://") {
        outboxes::check(config, None).await?;
        let path: PathBuf = config.folder.join(path);
        let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&path));
        let store = opened.await?.context("store.url")?;
        return Ok(Arc::new(store));
    }
    if let Some(address) = postgres_address(config)? {
        let store = PostgresStore::open(address.clone()).await;
        let mut store = store.context("store.url")?;
        let shared = outboxes::check(config, Some(&address)).await?;
        store.remove_from(&shared).await.context("store.url")?;
        return Ok(Arc::new(store));
    }
    outboxes::check(config, None).await?;
    let address = Address::parse(url).context("store.url")?;
    Ok(Arc::new(RedisStore::new(address)))
}

/// Returns the address of a store in PostgreSQL; `None` for another store.
pub fn postgres_address(config: &Config) -> Result<Option<postgres::Address>> {
    let url = config.store.url.reveal();
    if !url.starts_with("postgres") {
        return Ok(None);
    }
    let address = postgres::Address::parse(url).context("store.url")?;
    Ok(Some(address))
}
