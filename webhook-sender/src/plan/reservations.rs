//! Permits that are reserved for events that are being planned.

use std::collections::HashMap;
use std::sync::Arc;

use webhook_model::{DeliveryId, EndpointId, Event, Millis, Owner, TenantId};
use webhook_store::{Claim, Fence, InitialState, NewDelivery, PlannedEvent};

use super::dispatch_port::DispatchPort;

/// Deliveries that start immediately if the store accepts their claims. Permits that are not used
/// are released when this is dropped, however planning ends.
pub struct Reservations {
    dispatch_port: Arc<dyn DispatchPort>,
    tenant: TenantId,
    fence: Fence,
    held: HashMap<DeliveryId, Claim>,
}

impl Reservations {
    pub fn none(dispatch_port: &Arc<dyn DispatchPort>, tenant: &TenantId, fence: Fence) -> Self {
        Self {
            dispatch_port: dispatch_port.clone(),
            tenant: tenant.clone(),
            fence,
            held: HashMap::new(),
        }
    }

    /// Reserves permits for the deliveries that are due in `events`, and marks those deliveries as
    /// claimed.
    pub fn reserve(&mut self, events: &mut [PlannedEvent], now: Millis) {
        for PlannedEvent { event, deliveries } in events {
            for delivery in deliveries {
                // Duplicates of an event in a batch have the same deliveries.
                let due = matches!(delivery.start, InitialState::Due(_));
                if due && !self.held.contains_key(&delivery.id) && self.take(delivery) {
                    let claim = self.claim(event, delivery, now);
                    self.held.insert(delivery.id.clone(), claim);
                    delivery.start = InitialState::Claimed;
                }
            }
        }
    }

    fn take(&self, delivery: &NewDelivery) -> bool {
        self.dispatch_port.reserve(&self.tenant, &delivery.endpoint)
    }

    fn claim(&self, event: &Event, delivery: &NewDelivery, now: Millis) -> Claim {
        Claim {
            tenant: self.tenant.clone(),
            id: delivery.id.clone(),
            endpoint: delivery.endpoint.clone(),
            event: event.id.clone(),
            body: delivery.body.clone().unwrap_or_else(|| event.data.clone()),
            attempts_made: 0,
            due: now,
            fence: self.fence,
        }
    }

    /// Returns the fence of the claims of these deliveries.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Starts the deliveries that the store has claimed for `owner`.
    pub fn start(&mut self, owner: &Arc<Owner>, claimed: impl IntoIterator<Item = DeliveryId>) {
        let claims: Vec<_> = claimed
            .into_iter()
            .filter_map(|id| self.held.remove(&id))
            .collect();
        if !claims.is_empty() {
            self.dispatch_port.start(owner, claims);
        }
    }

    /// Returns the deliveries for which permits are reserved.
    pub fn deliveries(&self) -> Vec<(DeliveryId, EndpointId)> {
        let held = self.held.values();
        held.map(|claim| (claim.id.clone(), claim.endpoint.clone()))
            .collect()
    }
}

impl Drop for Reservations {
    fn drop(&mut self) {
        for claim in self.held.values() {
            self.dispatch_port.unreserve(&self.tenant, &claim.endpoint);
        }
    }
}
