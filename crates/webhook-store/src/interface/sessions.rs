//! The sessions of the pages and of portals.

use async_trait::async_trait;
use webhook_model::{AccessSession, Millis, SessionId, TenantId, TokenHash};

use crate::error::Result;
use crate::page::{Cursor, Page};

/// The most portal sessions of a tenant.
pub const MAX_PORTAL_SESSIONS: usize = 10_000;

/// Sessions, each opened by a key. Texts of tokens are never passed in, only their hashes.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
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
