//! The keys of the store, as this process has read them last.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use webhook_model::{AccessKey, KeyId, TokenHash};
use webhook_store::{Keys, StoreError};

use super::configured::is_same;

/// The age from which the keys are read again before one of them is accepted. They are read every
/// second, unless the store does not respond.
const STALE: Duration = Duration::from_secs(5);

/// The shortest time between two reads, however many unknown keys clients send.
const BETWEEN_READS: Duration = Duration::from_millis(100);

/// All keys of the store.
pub(super) struct StoredKeys {
    store: Arc<dyn Keys>,
    /// Replaced as a whole. Never locked across an await.
    known: RwLock<Known>,
    /// The start of the last read. Locked for the duration of a read, so that concurrent requests share
    /// one.
    reading: tokio::sync::Mutex<Option<Instant>>,
    /// Sent to after a key or a session may have ended.
    ended: watch::Sender<()>,
}

#[derive(Default)]
struct Known {
    /// The start of the read.
    at: Option<Instant>,
    /// By the first bytes of the hash. The rest is compared in constant time.
    by_hash: HashMap<[u8; 8], Vec<Arc<AccessKey>>>,
    by_id: HashMap<KeyId, Arc<AccessKey>>,
}

impl StoredKeys {
    pub fn new(store: Arc<dyn Keys>) -> Self {
        Self {
            store,
            known: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
            ended: watch::Sender::new(()),
        }
    }

    /// Wakes those that wait for the end of a key or a session.
    pub fn announce_end(&self) {
        self.ended.send_replace(());
    }

    /// Returns a receiver that is notified after a key or a session may have ended.
    pub fn ends(&self) -> watch::Receiver<()> {
        self.ended.subscribe()
    }

    /// Returns the key with this hash. Reads the keys again before it reports that there is none,
    /// because another process may have created it a moment ago.
    pub async fn by_hash(&self, hash: &TokenHash) -> Result<Option<Arc<AccessKey>>, StoreError> {
        let since = Instant::now();
        if let (Some(key), true) = self.known(|known| known.with_hash(hash)) {
            return Ok(Some(key));
        }
        self.read_after(since).await?;
        Ok(self.known(|known| known.with_hash(hash)).0)
    }

    /// Returns the key with this id, like [`by_hash`](Self::by_hash).
    pub async fn by_id(&self, id: &KeyId) -> Result<Option<Arc<AccessKey>>, StoreError> {
        let since = Instant::now();
        if let (Some(key), true) = self.known(|known| known.by_id.get(id).cloned()) {
            return Ok(Some(key));
        }
        self.read_after(since).await?;
        Ok(self.known(|known| known.by_id.get(id).cloned()).0)
    }

    /// Reads all keys.
    pub async fn read(&self) -> Result<(), StoreError> {
        self.read_after(Instant::now()).await
    }

    /// Waits for a read that starts at `since` or later.
    async fn read_after(&self, since: Instant) -> Result<(), StoreError> {
        let mut last = self.reading.lock().await;
        if self.known(|known| known.at).0 >= Some(since) {
            return Ok(());
        }
        if let Some(last) = *last {
            sleep_until(last + BETWEEN_READS).await;
        }
        let at = Instant::now();
        *last = Some(at);
        let known = Known::of(self.store.keys().await?, at);
        let mut current = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, known);
        let has_lost = !before.by_id.keys().all(|id| current.by_id.contains_key(id));
        drop(current);
        if has_lost {
            self.announce_end();
        }
        Ok(())
    }

    /// Returns the result of `find`, and true if the keys are up to date.
    fn known<T>(&self, find: impl FnOnce(&Known) -> T) -> (T, bool) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = known.at.is_some_and(|at| at.elapsed() < STALE);
        (find(&known), is_fresh)
    }
}

impl Known {
    fn of(keys: Vec<AccessKey>, at: Instant) -> Self {
        let mut known = Self {
            at: Some(at),
            ..Self::default()
        };
        for key in keys.into_iter().map(Arc::new) {
            let bucket = known.by_hash.entry(bucket(&key.hash)).or_default();
            bucket.push(key.clone());
            known.by_id.insert(key.id.clone(), key);
        }
        known
    }

    fn with_hash(&self, hash: &TokenHash) -> Option<Arc<AccessKey>> {
        let keys = self.by_hash.get(&bucket(hash))?;
        keys.iter().find(|key| is_same(&key.hash, hash)).cloned()
    }
}

fn bucket(hash: &TokenHash) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    first
}
