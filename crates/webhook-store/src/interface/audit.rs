//! The audit list.

use async_trait::async_trait;
use webhook_model::{AuditEntry, Millis, TenantId};

use crate::error::Result;
use crate::page::{Cursor, Page};

/// The most entries of a tenant, and of changes without a tenant. The oldest are deleted first, so that
/// no tenant can push out the entries of another.
pub const MAX_AUDIT_ENTRIES: usize = 10_000;

/// A filter of audit entries. All fields that are set must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub tenant: Option<TenantId>,
    /// At this moment or later.
    pub from: Option<Millis>,
    /// Before this moment.
    pub to: Option<Millis>,
}

/// The list of changes that keys have made.
#[async_trait]
pub trait Audit: Send + Sync + 'static {
    /// Stores an entry, or replaces the one with its id. Of its tenant, or of the entries without a
    /// tenant, the newest `keep` stay, and some of the older ones are deleted.
    async fn put_audit_entry(&self, entry: &AuditEntry, keep: usize) -> Result<()>;

    /// Returns the entries that match `filter`, the newest first, at most `limit` of them.
    async fn audit_entries(
        &self,
        filter: &AuditFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AuditEntry>>;

    /// Deletes entries from before a moment. Does a bounded amount of work, and returns whether there may
    /// be more to delete.
    async fn prune_audit(&self, before: Millis) -> Result<bool>;
}
