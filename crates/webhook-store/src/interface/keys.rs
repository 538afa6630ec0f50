//! Access keys and the sessions that they open.

use async_trait::async_trait;
use webhook_model::{AccessKey, AccessSession, KeyId, Millis, SessionId, TenantId, TokenHash};

use crate::error::Result;
use crate::page::{Cursor, Page};

/// The most keys of a store, so that a process can hold them all.
pub const MAX_KEYS: usize = 1000;

/// The most portal sessions of a tenant.
pub const MAX_PORTAL_SESSIONS: usize = 10_000;

/// The result of adding a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAddition {
    Added,
    /// Another key has its name, its id or its text.
    Taken,
    /// The store has [`MAX_KEYS`].
    TooMany,
}

/// Access keys that were created at run time, and sessions. Texts of keys and tokens are never passed
/// in, only their hashes.
#[async_trait]
pub trait Keys: Send + Sync + 'static {
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

    /// Adds a session. Returns false if its tenant has [`MAX_PORTAL_SESSIONS`].
    async fn add_session(&self, session: &AccessSession) -> Result<bool>;

    /// Returns the session with this token, also after its end.
    async fn session(&self, hash: &TokenHash) -> Result<Option<AccessSession>>;

    /// Returns a tenant's portal sessions, the newest first, at most `limit` of them.
    async fn portal_sessions(
        &self,
        tenant: &TenantId,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AccessSession>>;

    /// Moves the end of a tenant's portal session that lasts beyond `now`. Returns the session if there
    /// is one.
    async fn extend_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
        now: Millis,
        until: Millis,
    ) -> Result<Option<AccessSession>>;

    /// Ends the session with this token. Returns it if it existed.
    async fn delete_session(&self, hash: &TokenHash) -> Result<Option<AccessSession>>;

    /// Ends a tenant's portal session. Returns it if it existed.
    async fn delete_portal_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<AccessSession>>;

    /// Deletes sessions that ended before `now`, and the uses from before `used_before`. Does a bounded
    /// amount of work, and returns whether there may be more to delete.
    async fn prune_sessions(&self, now: Millis, used_before: Millis) -> Result<bool>;
}
