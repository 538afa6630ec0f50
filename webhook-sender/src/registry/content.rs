//! Notices that the store has lost its content.
//!
//! A store in a server can be flushed, be restarted without its files, or fail over to a replica that
//! lacks the last writes. Tenants and endpoints that are read while they are written anew may be
//! incomplete, and events planned against them would be lost. So the content has an identity, which
//! goes with it, and which it is given once the whole configuration was applied; what is read counts
//! only if the identity was the same before and afterwards.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use tokio::sync::Notify;
use webhook_model::TenantId;
use webhook_store::{StoreError, Tenants};

use super::tenant::Tenant;

/// What is known of the store's content.
#[derive(Default)]
pub(super) struct Content {
    /// The tenants that the configuration declares: where one is missing, content was lost.
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
    /// [`StoreError::ContentLost`] while there is none, and those of the store.
    pub(super) async fn identity(&self, store: &dyn Tenants) -> Result<String, StoreError> {
        match store.identity().await? {
            Some(identity) => Ok(identity),
            None => Err(self.note_lost()),
        }
    }

    /// Checks what was read of a tenant since `identity` was.
    ///
    /// # Errors
    ///
    /// [`StoreError::ContentLost`] if it may be incomplete, and those of the store.
    pub(super) async fn check(
        &self,
        store: &dyn Tenants,
        (tenant, version): (&TenantId, Option<u64>),
        known: Option<&Tenant>,
        identity: &str,
    ) -> Result<(), StoreError> {
        if identity.is_empty() {
            // It cannot be lost.
            return Ok(());
        }
        if self.identity(store).await? != identity {
            return Err(self.note_lost());
        }
        let known = known.filter(|known| known.identity == identity);
        let is_behind = |version| known.is_some_and(|known| version < known.version);
        if version.map_or_else(|| self.declares(tenant), is_behind) {
            tracing::warn!(%tenant, "the store has lost what was written to it");
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
