//! Implements the parts of the interface about keys and the audit list.

use async_trait::async_trait;
use webhook_model::{
    AccessKey, AccessSession, AuditEntry, KeyId, Millis, SessionId, TenantId, TokenHash,
};

use super::RedisStore;
use crate::{Audit, AuditFilter, Cursor, KeyAddition, Keys, Page, Result};

#[async_trait]
impl Keys for RedisStore {
    async fn keys(&self) -> Result<Vec<AccessKey>> {
        self.listed_keys().await
    }

    async fn add_key(&self, key: &AccessKey) -> Result<KeyAddition> {
        self.create_key(key).await
    }

    async fn delete_key(&self, id: &KeyId) -> Result<Option<AccessKey>> {
        self.remove_key(id).await
    }

    async fn delete_keys_of(&self, tenant: &TenantId) -> Result<()> {
        self.remove_keys_of(tenant).await
    }

    async fn record_key_uses(&self, uses: &[(KeyId, Millis)]) -> Result<()> {
        self.record_uses(uses).await
    }

    async fn key_uses(&self) -> Result<Vec<(KeyId, Millis)>> {
        self.listed_uses().await
    }

    async fn add_session(&self, session: &AccessSession) -> Result<bool> {
        self.create_session(session).await
    }

    async fn session(&self, hash: &TokenHash) -> Result<Option<AccessSession>> {
        self.find_session(hash).await
    }

    async fn portal_sessions(
        &self,
        tenant: &TenantId,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AccessSession>> {
        self.list_sessions(tenant, cursor, limit).await
    }

    async fn extend_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
        now: Millis,
        until: Millis,
    ) -> Result<Option<AccessSession>> {
        self.move_session_end(tenant, id, now, until).await
    }

    async fn delete_session(&self, hash: &TokenHash) -> Result<Option<AccessSession>> {
        self.remove_session(hash).await
    }

    async fn delete_portal_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<AccessSession>> {
        self.remove_portal_session(tenant, id).await
    }

    async fn prune_sessions(&self, now: Millis, used_before: Millis) -> Result<bool> {
        self.prune_ended_sessions(now, used_before).await
    }
}

#[async_trait]
impl Audit for RedisStore {
    async fn put_audit_entry(&self, entry: &AuditEntry, keep: usize) -> Result<()> {
        self.write_audit_entry(entry, keep).await
    }

    async fn audit_entries(
        &self,
        filter: &AuditFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AuditEntry>> {
        self.list_audit(filter, cursor, limit).await
    }

    async fn prune_audit(&self, before: Millis) -> Result<bool> {
        self.prune_audit_before(before).await
    }
}
