//! The queue as the model has it.

use webhook_model::DeliveryState::{Dead, InFlight, Pending, Succeeded};
use webhook_model::Millis;
use webhook_store::DueEndpoint;

use super::{ENDPOINTS, Expected, Is, Run};
use crate::world::at;

impl Run {
    /// Returns whether the ordering group has a delivery that is due or in flight.
    pub(super) fn is_busy(&self, endpoint: usize, key: &Option<String>) -> bool {
        self.all.iter().any(|one| {
            one.ordered
                && one.endpoint == endpoint
                && one.event.ordering_key == *key
                && matches!(one.state, Pending | InFlight)
        })
    }

    /// Makes the next delivery of an ordering group due after one has ended.
    pub(super) fn promote(&mut self, n: usize) {
        let ended = &self.all[n];
        if !ended.ordered || !matches!(ended.state, Succeeded | Dead) {
            return;
        }
        let (endpoint, key) = (ended.endpoint, ended.event.ordering_key.clone());
        let next = self
            .all
            .iter_mut()
            .find(|one| one.waits && one.endpoint == endpoint && one.event.ordering_key == key);
        if let Some(next) = next {
            next.waits = false;
            next.due = next.due.max(at(self.now));
        }
    }

    /// Returns the deliveries of an endpoint that can be claimed.
    pub(super) fn due_of(&self, endpoint: usize) -> impl Iterator<Item = &Expected> {
        let enabled = self.endpoints[endpoint] == Is::Enabled;
        let now = at(self.now);
        self.waiting(endpoint)
            .filter(move |one| enabled && one.due <= now)
    }

    pub(super) fn waiting(&self, endpoint: usize) -> impl Iterator<Item = &Expected> {
        let all = self.all.iter();
        all.filter(move |one| one.endpoint == endpoint && one.state == Pending && !one.waits)
    }

    pub(super) fn due(&self) -> Vec<DueEndpoint> {
        let of = |n: usize| {
            let at = self.due_of(n).map(|one| one.due).min()?;
            let (tenant, endpoint) = (self.world.acme.clone(), self.ids[n].clone());
            Some(DueEndpoint {
                tenant,
                endpoint,
                at,
            })
        };
        (0..ENDPOINTS.len()).filter_map(of).collect()
    }

    pub(super) fn next_due(&self) -> Option<Millis> {
        let enabled = (0..ENDPOINTS.len()).filter(|n| self.endpoints[*n] == Is::Enabled);
        let later = enabled.flat_map(|n| self.waiting(n)).map(|one| one.due);
        later.filter(|due| *due > at(self.now)).min()
    }
}
