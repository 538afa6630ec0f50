//! The interface of delivery that the planner uses: permits with which new deliveries start
//! immediately.

use std::sync::Arc;

use webhook_model::{EndpointId, Owner, TenantId};
use webhook_store::Claim;

/// The part of delivery that the planner uses.
pub trait DispatchPort: Send + Sync + 'static {
    /// Reserves a permit. Returns `None` if a delivery to the endpoint cannot start now: its permits
    /// or all permits are in use, its rate limit is reached, its circuit breaker is open, or it is
    /// disabled or unknown.
    fn reserve(&self, tenant: &TenantId, endpoint: &EndpointId) -> Option<Box<dyn ReservedPermit>>;

    /// Returns true while the circuit breaker of an endpoint is open in this process.
    fn is_breaker_open(&self, tenant: &TenantId, endpoint: &EndpointId) -> bool;

    /// Makes the scheduler query the queue, as something may be due.
    fn wake(&self);
}

/// A permit for a delivery that is being planned. Dropping it releases it.
#[must_use = "dropping a permit releases it"]
pub trait ReservedPermit: Send {
    /// Uses the permit to start a delivery to its endpoint, which `owner` has claimed.
    fn start(self: Box<Self>, owner: &Arc<Owner>, claim: Claim);
}
