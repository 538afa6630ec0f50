//! Claims of deliveries whose status is unknown because the store's reply was lost.
//!
//! The deliveries of such a batch may be in flight under this process's lease, and no attempt would
//! be made while it is renewed. They are returned to the queue as soon as the store is available.
//! For deliveries that were never claimed, that changes nothing.

use std::sync::Arc;

use webhook_model::{Backoff, Clock, DeliveryId, EndpointId, Owner, TenantId};
use webhook_store::{Fence, NextState, Outcome, Queue};

use super::dispatch_port::DispatchPort;

/// Deliveries whose claim status is unknown because the store's reply was lost.
pub struct UncertainClaims {
    pub tenant: TenantId,
    /// The owner of the possible claims.
    pub owner: Arc<Owner>,
    pub fence: Fence,
    pub deliveries: Vec<(DeliveryId, EndpointId)>,
}

impl UncertainClaims {
    /// Returns the deliveries to the queue, retrying until the store is available.
    pub async fn release(
        self,
        store: Arc<dyn Queue>,
        dispatch_port: Arc<dyn DispatchPort>,
        clock: Clock,
    ) {
        let now = clock.now();
        let outcome = |(id, endpoint)| Outcome {
            tenant: self.tenant.clone(),
            id,
            endpoint,
            fence: self.fence,
            attempt: None,
            next: NextState::Due(now),
        };
        let mut outcomes: Vec<_> = self.deliveries.into_iter().map(outcome).collect();
        let mut backoff = Backoff::default();
        loop {
            // The clock may have been set back meanwhile.
            let due = clock.now().min(now);
            outcomes
                .iter_mut()
                .for_each(|outcome| outcome.next = NextState::Due(due));
            let released = store.complete(&self.owner, &outcomes, clock.now()).await;
            let Err(error) = released else {
                break;
            };
            let deliveries = outcomes.len();
            tracing::warn!(%error, deliveries, "cannot release uncertain claims; retrying");
            tokio::time::sleep(backoff.next_wait()).await;
        }
        dispatch_port.wake();
    }
}
