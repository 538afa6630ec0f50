//! Carries deliveries out: who may be called now, one attempt, and what follows from its outcome.

use async_trait::async_trait;

use crate::model::{EndpointId, TenantId};
use crate::store::Claim;

/// The places in which attempts are made, as the planner and the intake see them.
#[async_trait]
pub trait Lanes: Send + Sync + 'static {
    /// Sets a place aside. False where a delivery to that endpoint could not start now: its places
    /// or all places are taken, its rate is used up, it is failing, disabled or unknown.
    fn reserve(&self, tenant: &TenantId, endpoint: &EndpointId) -> bool;

    /// Gives back a place that was set aside and is not used.
    fn unreserve(&self, tenant: &TenantId, endpoint: &EndpointId);

    /// Starts deliveries that the store says are claimed, each in a place set aside for it.
    fn start(&self, claims: Vec<Claim>);

    /// Looks at the queue: something may be due.
    fn wake(&self);

    /// Waits until a place is free, and answers how many are.
    async fn room(&self) -> usize;
}
