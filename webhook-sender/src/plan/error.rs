//! Errors of planning.

use std::sync::Arc;

use webhook_model::{EventId, TenantId};
use webhook_store::StoreError;

/// The reason for which events were not planned. Cheap to clone, as all events of a batch share it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PlanError {
    /// No deliveries can be planned while the tenant does not exist.
    #[error("tenant `{0}` is unknown")]
    UnknownTenant(TenantId),
    /// The store is unavailable or broken. The event may have been stored: publish it again under
    /// its id.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// Nothing was stored. A later try may succeed.
    #[error("the endpoints of tenant `{0}` change too often to plan against them")]
    Unsettled(TenantId),
    /// Another event with this id exists.
    #[error("event `{0}` was published before with another type or other data")]
    ConflictingId(EventId),
    /// It is unknown if the event was stored.
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
