//! All keys that grant access.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use webhook_model::{AccessKey, Clock, KeyId, Millis, TenantId, TokenHash};
use webhook_store::{KeyAddition, Keys, StoreError};

use super::configured::{self, ConfiguredKey};
use super::new_token::{NewKey, NewToken, may_be_key};
use super::principal::{Principal, local_key};
use super::stored::StoredKeys;
use super::uses::Uses;

/// The keys of the configuration file and of the store, and the sessions that they have opened.
pub struct Keyring {
    pub(super) store: Arc<dyn Keys>,
    pub(super) clock: Clock,
    /// Replaced by a reload. Never locked across an await.
    configured: RwLock<Arc<[ConfiguredKey]>>,
    pub(super) stored: StoredKeys,
    uses: Uses,
    /// True if no key was configured at the start. A reload that removes all keys opens nothing.
    began_open: bool,
}

impl Keyring {
    pub fn new(store: Arc<dyn Keys>, configured: Vec<ConfiguredKey>, clock: Clock) -> Self {
        Self {
            stored: StoredKeys::new(store.clone()),
            store,
            clock,
            began_open: configured.is_empty(),
            configured: RwLock::new(configured.into()),
            uses: Uses::default(),
        }
    }

    /// Returns true if no key is configured: every program on this machine is an administrator.
    pub fn is_open(&self) -> bool {
        self.began_open && self.configured().is_empty()
    }

    /// Returns the keys of the configuration file.
    pub fn configured(&self) -> Arc<[ConfiguredKey]> {
        let configured = self
            .configured
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        configured.clone()
    }

    /// Replaces the keys of the configuration file.
    pub fn configure(&self, keys: Vec<ConfiguredKey>) {
        let mut configured = self
            .configured
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *configured = keys.into();
        drop(configured);
        self.stored.announce_end();
    }

    /// Returns the principal of a key's text; `None` if no valid key has it.
    ///
    /// # Errors
    ///
    /// Fails if the keys of the store cannot be read.
    pub async fn principal(&self, text: &[u8]) -> Result<Option<Principal>, StoreError> {
        let hash = TokenHash::of(text);
        let now = self.clock.now();
        let found = match configured::find(&self.configured(), &hash) {
            Some(key) => Some(key.principal()),
            None if !may_be_key(text) => None,
            None => {
                let key = self.stored.by_hash(&hash).await?;
                key.filter(|key| is_valid(key, now))
                    .map(|key| principal(&key))
            }
        };
        if let Some(found) = &found {
            self.uses.note(&found.key, now);
        }
        Ok(found)
    }

    /// Returns the moment until which a principal has its rights, [`Millis::NEVER`] without an end; `None`
    /// if its key or its session has ended, or has other rights now.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn valid_until(&self, principal: &Principal) -> Result<Option<Millis>, StoreError> {
        let Some((key, mut until)) = self.find(&principal.key).await? else {
            return Ok(None);
        };
        let current = match &principal.token {
            None => Some(key),
            Some(token) => {
                let (session, now) = (self.store.session(token).await?, self.clock.now());
                let session = session.filter(|session| now < session.expires_at);
                let ends = session.as_ref().map(|session| session.expires_at);
                until = ends.map_or(until, |ends| until.min(ends));
                session.and_then(|session| key.within(session))
            }
        };
        let has_rights =
            |it: &Principal| it.role == principal.role && it.tenant == principal.tenant;
        Ok(current.filter(has_rights).map(|_| until))
    }

    /// Returns a receiver that is notified after a key or a session may have ended: at once if this
    /// process ends it, and within about a second if another process deletes a key.
    pub fn ends(&self) -> watch::Receiver<()> {
        self.stored.ends()
    }

    /// Returns the principal of a key that is valid now.
    pub(super) async fn by_id(&self, id: &KeyId) -> Result<Option<Principal>, StoreError> {
        Ok(self.find(id).await?.map(|(principal, _)| principal))
    }

    /// Returns the principal of a key that is valid now, and the end of the key.
    async fn find(&self, id: &KeyId) -> Result<Option<(Principal, Millis)>, StoreError> {
        if *id == local_key() {
            let local = || (Principal::local(), Millis::NEVER);
            return Ok(self.is_open().then(local));
        }
        if let Some(key) = self.configured().iter().find(|key| key.id == *id) {
            return Ok(Some((key.principal(), Millis::NEVER)));
        }
        let (key, now) = (self.stored.by_id(id).await?, self.clock.now());
        let key = key.filter(|key| is_valid(key, now));
        Ok(key.map(|key| (principal(&key), key.expires_at.unwrap_or(Millis::NEVER))))
    }

    /// Creates a key. Returns it with its text, or the reason why it was not added.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn create(
        &self,
        new: NewKey,
    ) -> Result<Result<(AccessKey, NewToken), KeyAddition>, StoreError> {
        let (text, now) = (NewToken::key(), self.clock.now());
        let key = AccessKey {
            id: KeyId::random(),
            name: new.name,
            role: new.role,
            tenant: new.tenant,
            hash: text.hash(),
            created_at: now,
            expires_at: new.lifetime.map(|lifetime| now.after(lifetime)),
        };
        let is_configured = |one: &ConfiguredKey| one.name == key.name;
        if self.configured().iter().any(is_configured) {
            return Ok(Err(KeyAddition::Taken));
        }
        match self.store.add_key(&key).await? {
            KeyAddition::Added => {
                self.stored.read().await?;
                Ok(Ok((key, text)))
            }
            refused => Ok(Err(refused)),
        }
    }

    /// Deletes a key of the store, and ends its sessions. Returns it if it existed.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn revoke(&self, id: &KeyId) -> Result<Option<AccessKey>, StoreError> {
        let deleted = self.store.delete_key(id).await?;
        self.stored.read().await?;
        Ok(deleted)
    }

    /// Deletes the keys of a tenant, and ends the sessions of its portal.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn revoke_all_of(&self, tenant: &TenantId) -> Result<(), StoreError> {
        self.store.delete_keys_of(tenant).await?;
        self.stored.read().await
    }

    /// Returns the keys of the store, and the last uses of all keys.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn list(&self) -> Result<(Vec<AccessKey>, Vec<(KeyId, Millis)>), StoreError> {
        self.record_uses().await?;
        Ok((self.store.keys().await?, self.store.key_uses().await?))
    }

    /// Reads the changes of other processes, and records the last uses. For a call every second.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.stored.read().await?;
        self.record_uses().await
    }

    async fn record_uses(&self) -> Result<(), StoreError> {
        let uses = self.uses.take();
        if uses.is_empty() {
            return Ok(());
        }
        let recorded = self.store.record_key_uses(&uses).await;
        if recorded.is_err() {
            self.uses.put_back(uses);
        }
        recorded
    }
}

fn is_valid(key: &AccessKey, now: Millis) -> bool {
    key.expires_at.is_none_or(|end| now < end)
}

fn principal(key: &AccessKey) -> Principal {
    Principal {
        key: key.id.clone(),
        name: key.name.as_str().into(),
        role: key.role,
        tenant: key.tenant.clone(),
        session: None,
        is_portal: false,
        expires_at: None,
        token: None,
    }
}
