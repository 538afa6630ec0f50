//! Why events were not planned.

use std::sync::Arc;

use webhook_model::{EventId, TenantId};
use webhook_store::StoreError;

/// Why events were not planned. Cheap to clone: many events share the fate of their batch.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PlanError {
    /// Nothing can be made of the event while there is no such tenant.
    #[error("tenant `{0}` is unknown")]
    UnknownTenant(TenantId),
    /// Out of reach or broken. The event may have been kept: publish it again under its id.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// Nothing was kept. Later it may be.
    #[error("the endpoints of tenant `{0}` change too often to plan against them")]
    Unsettled(TenantId),
    /// Another event has the id.
    #[error("event `{0}` was published before with another type or other data")]
    ConflictingId(EventId),
    /// Nothing is known of what became of the event.
    #[error("planning was interrupted")]
    Interrupted,
}

impl From<StoreError> for PlanError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UnknownTenant(tenant) => Self::UnknownTenant(tenant),
            other => Self::Store(Arc::new(other)),
        }
    }
}
