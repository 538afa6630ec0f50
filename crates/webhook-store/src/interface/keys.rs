//! Access keys.

use async_trait::async_trait;
use webhook_model::{AccessKey, KeyId, Millis, TenantId};

use super::sessions::Sessions;
use crate::error::Result;

/// The most keys of a store, so that a process can hold them all.
pub const MAX_KEYS: usize = 1000;

/// The result of adding a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAddition {
    Added,
    /// Another key has its name, its id or its text.
    Taken,
    /// The store has [`MAX_KEYS`].
    TooMany,
}

/// Access keys that were created at run time, and the sessions that they open. Texts of keys are never
/// passed in, only their hashes.
#[async_trait]
pub trait Keys: Sessions {
    /// Returns all keys in the order of their names, at most [`MAX_KEYS`]. Cheap enough for a call every
    /// second.
    async fn keys(&self) -> Result<Vec<AccessKey>>;

    /// Adds a key.
    async fn add_key(&self, key: &AccessKey) -> Result<KeyAddition>;

    /// Deletes a key and its sessions. Returns the key if it existed.
    async fn delete_key(&self, id: &KeyId) -> Result<Option<AccessKey>>;

    /// Deletes the keys that are bound to a tenant and the sessions of its portal, so that a later tenant
    /// of the same id is not open to them.
    async fn delete_keys_of(&self, tenant: &TenantId) -> Result<()>;

    /// Records the last uses of keys, also of those that the store does not have. A use before the
    /// recorded one changes nothing.
    async fn record_key_uses(&self, uses: &[(KeyId, Millis)]) -> Result<()>;

    /// Returns the recorded uses.
    async fn key_uses(&self) -> Result<Vec<(KeyId, Millis)>>;
}
