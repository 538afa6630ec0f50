//! Writes the audit list.

use std::sync::Arc;

use webhook_model::{AuditEntry, AuditId, AuditOutcome, Clock, TenantId};
use webhook_store::{Audit, AuditFilter, Cursor, MAX_AUDIT_ENTRIES, Page, StoreError};

use super::author::Author;
use super::detail::AuditDetail;

/// The audit list of a store. Cheap to clone.
#[derive(Clone)]
pub struct AuditLog {
    store: Arc<dyn Audit>,
    clock: Clock,
}

/// The entry of a change in progress.
#[must_use = "its outcome would stay unknown"]
pub struct Begun(AuditEntry);

impl AuditLog {
    pub fn new(store: Arc<dyn Audit>, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Writes the entry of a change that is about to be made.
    ///
    /// # Errors
    ///
    /// Fails if the store does. The change must not be made then.
    pub async fn begin(
        &self,
        author: &Author,
        action: &str,
        tenant: Option<TenantId>,
        target: Option<String>,
    ) -> Result<Begun, StoreError> {
        let at = self.clock.now();
        let entry = AuditEntry {
            id: AuditId::at(at),
            at,
            key: author.key.clone(),
            key_name: author.name.clone(),
            session: author.session.clone(),
            peer: author.peer.clone(),
            action: action.into(),
            tenant,
            target,
            outcome: AuditOutcome::Unknown,
            changes: Vec::new(),
        };
        self.store
            .put_audit_entry(&entry, MAX_AUDIT_ENTRIES)
            .await?;
        Ok(Begun(entry))
    }

    /// Adds the outcome of a change to its entry. A failure is logged: the change is made already.
    pub async fn end(&self, begun: Begun, outcome: AuditOutcome, detail: AuditDetail) {
        let Begun(mut entry) = begun;
        entry.outcome = outcome;
        entry.changes = detail.changes;
        entry.target = entry.target.or(detail.target);
        entry.tenant = entry.tenant.or(detail.tenant);
        if let Err(error) = self.store.put_audit_entry(&entry, MAX_AUDIT_ENTRIES).await {
            let (id, action, outcome) = (&entry.id, &entry.action, &entry.outcome);
            tracing::error!(%id, action, ?outcome, %error, "outcome of an audit entry not recorded");
        }
    }

    /// Returns the entries that match `filter`, the newest first.
    ///
    /// # Errors
    ///
    /// Fails if the store does, or for an invalid cursor.
    pub async fn list(
        &self,
        filter: &AuditFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AuditEntry>, StoreError> {
        self.store.audit_entries(filter, cursor, limit).await
    }
}
