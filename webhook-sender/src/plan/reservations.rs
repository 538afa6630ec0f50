//! The places set aside for what is being planned.

use std::collections::HashMap;
use std::sync::Arc;

use webhook_model::{DeliveryId, EndpointId, Event, Millis, Owner, TenantId};
use webhook_store::{Claim, Fence, NewDelivery, PlannedEvent, Start};

use super::dispatch_port::DispatchPort;

/// Deliveries that start at once if the store lets them. Reservations that are not taken up are given
/// back when this is dropped, however planning ends.
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

    /// Sets places aside for what is due in `events`, and turns that into claimed.
    pub fn reserve(&mut self, events: &mut [PlannedEvent], now: Millis) {
        for PlannedEvent { event, deliveries } in events {
            for delivery in deliveries {
                // The same event twice in a batch has the same deliveries.
                let due = matches!(delivery.start, Start::Due(_));
                if due && !self.held.contains_key(&delivery.id) && self.take(delivery) {
                    let claim = self.claim(event, delivery, now);
                    self.held.insert(delivery.id.clone(), claim);
                    delivery.start = Start::Claimed;
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
            made: 0,
            due: now,
            fence: self.fence,
        }
    }

    /// The claim that what starts at once belongs to.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Starts what the store says is claimed by `owner`.
    pub fn start(&mut self, owner: &Arc<Owner>, claimed: impl IntoIterator<Item = DeliveryId>) {
        let claims: Vec<_> = claimed
            .into_iter()
            .filter_map(|id| self.held.remove(&id))
            .collect();
        if !claims.is_empty() {
            self.dispatch_port.start(owner, claims);
        }
    }

    /// What the places are for.
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
