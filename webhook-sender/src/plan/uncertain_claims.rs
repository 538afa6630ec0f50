//! Claims of deliveries whose status is unknown because the store's reply was lost.
//!
//! The deliveries of such a batch may be in flight under this process's lease, and no attempt would
//! be made while it is renewed. They are returned to the queue as soon as the store is available.
//! For deliveries that were never claimed, that changes nothing.

use std::sync::Arc;
use std::time::Duration;

use webhook_model::{Clock, DeliveryId, EndpointId, Owner, TenantId};
use webhook_store::{Fence, NextState, Outcome, Queue};

use super::dispatch_port::DispatchPort;

/// The wait between tries: from the first to the longest, doubling.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

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
        let mut wait = FIRST_WAIT;
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
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        dispatch_port.wake();
    }
}
