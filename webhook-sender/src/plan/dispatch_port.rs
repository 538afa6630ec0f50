//! The interface of delivery that the planner uses: permits with which new deliveries start
//! immediately.

use std::sync::Arc;

use webhook_model::{EndpointId, Owner, TenantId};
use webhook_store::Claim;

/// Permits for attempts, as the planner uses them.
pub trait DispatchPort: Send + Sync + 'static {
    /// Reserves a permit. Returns false if a delivery to the endpoint cannot start now: its permits
    /// or all permits are in use, its rate limit is reached, its circuit breaker is open, or it is
    /// disabled or unknown.
    fn reserve(&self, tenant: &TenantId, endpoint: &EndpointId) -> bool;

    /// Releases a reserved permit that is not used.
    fn unreserve(&self, tenant: &TenantId, endpoint: &EndpointId);

    /// Starts deliveries that `owner` has claimed, each with a permit that is reserved for it.
    fn start(&self, owner: &Arc<Owner>, claims: Vec<Claim>);

    /// Makes the scheduler query the queue, as something may be due.
    fn wake(&self);
}
