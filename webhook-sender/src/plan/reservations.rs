//! Permits that are reserved for events that are being planned.

use std::collections::HashMap;
use std::sync::Arc;

use webhook_model::{DeliveryId, EndpointId, Event, Millis, Owner, TenantId};
use webhook_store::{Claim, Fence, InitialState, NewDelivery, PlannedEvent};

use super::dispatch_port::{DispatchPort, ReservedPermit};

/// Deliveries that start immediately if the store accepts their claims. Permits that are not used
/// are released with this, however planning ends.
pub struct Reservations {
    dispatch_port: Arc<dyn DispatchPort>,
    tenant: TenantId,
    fence: Fence,
    held: HashMap<DeliveryId, Reservation>,
}

/// The claim of a delivery, and the permit with which it starts.
struct Reservation {
    claim: Claim,
    permit: Box<dyn ReservedPermit>,
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
                if !due || self.held.contains_key(&delivery.id) {
                    continue;
                }
                let permit = self.dispatch_port.reserve(&self.tenant, &delivery.endpoint);
                if let Some(permit) = permit {
                    let claim = self.claim(event, delivery, now);
                    let reservation = Reservation { claim, permit };
                    self.held.insert(delivery.id.clone(), reservation);
                    delivery.start = InitialState::Claimed;
                }
            }
        }
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
        let reservations = claimed.into_iter().filter_map(|id| self.held.remove(&id));
        for Reservation { claim, permit } in reservations {
            permit.start(owner, claim);
        }
    }

    /// Returns the deliveries for which permits are reserved.
    pub fn deliveries(&self) -> Vec<(DeliveryId, EndpointId)> {
        let held = self.held.values();
        held.map(|Reservation { claim, .. }| (claim.id.clone(), claim.endpoint.clone()))
            .collect()
    }
}
