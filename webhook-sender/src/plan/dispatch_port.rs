//! The part of delivery that planning needs: places in which new deliveries start at once.

use std::sync::Arc;

use webhook_model::{EndpointId, Owner, TenantId};
use webhook_store::Claim;

/// The places in which attempts are made, as the planner uses them.
pub trait DispatchPort: Send + Sync + 'static {
    /// Sets a place aside. False where a delivery to that endpoint could not start now: its places
    /// or all places are taken, its rate is used up, it is failing, disabled or unknown.
    fn reserve(&self, tenant: &TenantId, endpoint: &EndpointId) -> bool;

    /// Gives back a place that was set aside and is not used.
    fn unreserve(&self, tenant: &TenantId, endpoint: &EndpointId);

    /// Starts deliveries that the store says `owner` has claimed, each in a place set aside for it.
    fn start(&self, owner: &Arc<Owner>, claims: Vec<Claim>);

    /// Looks at the queue: something may be due.
    fn wake(&self);
}
