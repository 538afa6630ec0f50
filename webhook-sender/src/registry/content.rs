//! Detects that the store has lost its content.
//!
//! A store on a server can be flushed, be restarted without its files, or fail over to a replica
//! that lacks the last writes. Tenants and endpoints that are read while they are written again may
//! be incomplete, and events planned against them would be lost. Therefore the content has an
//! identity, which is lost with it, and which is assigned once the whole configuration was applied.
//! A read is valid only if the identity is the same before and afterwards.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use tokio::sync::Notify;
use webhook_model::TenantId;
use webhook_store::{StoreError, Tenants};

use super::tenant::Tenant;

/// The state of the detection.
#[derive(Default)]
pub(super) struct Content {
    /// The tenants that the configuration declares: if one is missing, content was lost.
    declared: RwLock<HashSet<TenantId>>,
    /// Notified when content was lost.
    lost: Notify,
}

impl Content {
    pub(super) fn declare(&self, tenants: HashSet<TenantId>) {
        let declared = self.declared.write();
        *declared.unwrap_or_else(PoisonError::into_inner) = tenants;
    }

    fn declares(&self, tenant: &TenantId) -> bool {
        let declared = self.declared.read();
        declared
            .unwrap_or_else(PoisonError::into_inner)
            .contains(tenant)
    }

    /// Waits until content was lost.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }

    /// Returns the identity of the content.
    ///
    /// # Errors
    ///
    /// [`StoreError::ContentLost`] while there is no identity, and the errors of the store.
    pub(super) async fn identity(&self, store: &dyn Tenants) -> Result<String, StoreError> {
        match store.identity().await? {
            Some(identity) => Ok(identity),
            None => Err(self.note_lost()),
        }
    }

    /// Checks the version of a tenant that was read after `identity`.
    ///
    /// # Errors
    ///
    /// [`StoreError::ContentLost`] if what was read may be incomplete, and the errors of the store.
    pub(super) async fn check(
        &self,
        store: &dyn Tenants,
        (tenant, version): (&TenantId, Option<u64>),
        known: Option<&Tenant>,
        identity: &str,
    ) -> Result<(), StoreError> {
        if identity.is_empty() {
            // The content of this store cannot be lost.
            return Ok(());
        }
        if self.identity(store).await? != identity {
            return Err(self.note_lost());
        }
        let known = known.filter(|known| known.identity == identity);
        let is_behind = |version| known.is_some_and(|known| version < known.version);
        if version.map_or_else(|| self.declares(tenant), is_behind) {
            tracing::warn!(%tenant, "the store has lost content");
            store.disown(identity).await?;
            return Err(self.note_lost());
        }
        Ok(())
    }

    fn note_lost(&self) -> StoreError {
        self.lost.notify_one();
        StoreError::ContentLost
    }
}
