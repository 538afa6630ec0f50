//! When the store's answer was lost.
//!
//! The deliveries of a batch may then be in flight under this process's lease, and nobody would
//! attempt them for as long as it is renewed. They are given back to the queue as soon as the store
//! can be reached. Where they were never claimed that changes nothing.

use std::sync::Arc;
use std::time::Duration;

use webhook_model::{Clock, DeliveryId, EndpointId, Owner, TenantId};
use webhook_store::{Fence, Next, Outcome, Queue};

use super::dispatch_port::DispatchPort;

/// Between tries: from the first wait to the longest, doubling.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Deliveries that may be claimed and may not.
pub struct UncertainClaims {
    pub tenant: TenantId,
    /// Who would have them in flight.
    pub owner: Arc<Owner>,
    pub fence: Fence,
    pub deliveries: Vec<(DeliveryId, EndpointId)>,
}

impl UncertainClaims {
    /// Gives them back, however long the store cannot be reached.
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
            next: Next::Due(now),
        };
        let mut outcomes: Vec<_> = self.deliveries.into_iter().map(outcome).collect();
        let mut wait = FIRST_WAIT;
        loop {
            // The clock may have been set back since.
            let due = clock.now().min(now);
            outcomes
                .iter_mut()
                .for_each(|outcome| outcome.next = Next::Due(due));
            let given_back = store.complete(&self.owner, &outcomes, clock.now()).await;
            let Err(error) = given_back else {
                break;
            };
            let deliveries = outcomes.len();
            tracing::warn!(%error, deliveries, "cannot tell what was planned; trying again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        dispatch_port.wake();
    }
}
