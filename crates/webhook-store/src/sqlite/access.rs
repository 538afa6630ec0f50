//! Implements the parts of the interface about keys, sessions and the audit list.

use async_trait::async_trait;
use webhook_model::{
    AccessKey, AccessSession, AuditEntry, KeyId, Millis, SessionId, TenantId, TokenHash,
};

use super::store::SqliteStore;
use super::{access_keys, access_sessions, audit};
use crate::{Audit, AuditFilter, Cursor, KeyAddition, Keys, Page, Result, Sessions};

#[async_trait]
impl Keys for SqliteStore {
    async fn keys(&self) -> Result<Vec<AccessKey>> {
        self.read(|view| access_keys::list(view.sql)).await
    }

    async fn add_key(&self, key: &AccessKey) -> Result<KeyAddition> {
        let key = key.clone();
        self.write(move |tx| access_keys::add(tx.sql, &key)).await
    }

    async fn delete_key(&self, id: &KeyId) -> Result<Option<AccessKey>> {
        let id = id.clone();
        self.write(move |tx| access_keys::delete(tx.sql, &id)).await
    }

    async fn delete_keys_of(&self, tenant: &TenantId) -> Result<()> {
        let tenant = tenant.clone();
        self.write(move |tx| access_keys::delete_of(tx.sql, &tenant))
            .await
    }

    async fn record_key_uses(&self, uses: &[(KeyId, Millis)]) -> Result<()> {
        let uses = uses.to_vec();
        self.write(move |tx| access_keys::record_uses(tx.sql, &uses))
            .await
    }

    async fn key_uses(&self) -> Result<Vec<(KeyId, Millis)>> {
        self.read(|view| access_keys::uses(view.sql)).await
    }
}

#[async_trait]
impl Sessions for SqliteStore {
    async fn add_session(&self, session: &AccessSession) -> Result<bool> {
        let session = session.clone();
        self.write(move |tx| access_sessions::add(tx.sql, &session))
            .await
    }

    async fn session(&self, hash: &TokenHash) -> Result<Option<AccessSession>> {
        let hash = *hash;
        self.read(move |view| access_sessions::find(view.sql, &hash))
            .await
    }

    async fn portal_sessions(
        &self,
        tenant: &TenantId,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AccessSession>> {
        let (tenant, cursor) = (tenant.clone(), cursor.cloned());
        self.read(move |view| access_sessions::list(view.sql, &tenant, cursor.as_ref(), limit))
            .await
    }

    async fn extend_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
        now: Millis,
        until: Millis,
    ) -> Result<Option<AccessSession>> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.write(move |tx| access_sessions::extend(tx.sql, &tenant, &id, now, until))
            .await
    }

    async fn delete_session(&self, hash: &TokenHash) -> Result<Option<AccessSession>> {
        let hash = *hash;
        self.write(move |tx| access_sessions::delete(tx.sql, &hash))
            .await
    }

    async fn delete_portal_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<AccessSession>> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.write(move |tx| access_sessions::delete_portal(tx.sql, &tenant, &id))
            .await
    }

    async fn prune_sessions(&self, now: Millis, used_before: Millis) -> Result<bool> {
        self.write(move |tx| access_sessions::prune(tx.sql, now, used_before))
            .await
    }
}

#[async_trait]
impl Audit for SqliteStore {
    async fn put_audit_entry(&self, entry: &AuditEntry, keep: usize) -> Result<()> {
        let entry = entry.clone();
        self.write(move |tx| audit::put(tx.sql, &entry, keep)).await
    }

    async fn audit_entries(
        &self,
        filter: &AuditFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AuditEntry>> {
        let (filter, cursor) = (filter.clone(), cursor.cloned());
        self.read(move |view| audit::list(view.sql, &filter, cursor.as_ref(), limit))
            .await
    }

    async fn prune_audit(&self, before: Millis) -> Result<bool> {
        self.write(move |tx| audit::prune(tx.sql, before)).await
    }
}
