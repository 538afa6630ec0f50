//! Calls that change endpoints, and that replay.

use webhook_model::DeliveryState::{Dead, Pending, Succeeded};
use webhook_store::DeliveryFilter;

use super::{ENDPOINTS, Expected, Is, Run};
use crate::world::{at, endpoint};

impl Run {
    pub(super) async fn change_endpoint(&mut self) {
        let n = self.below(ENDPOINTS.len());
        let id = self.ids[n].clone();
        let becomes = match (self.endpoints[n], self.below(3)) {
            (Is::Enabled, 0) => Is::Deleted,
            (Is::Enabled, _) => Is::Disabled,
            _ => Is::Enabled,
        };
        self.endpoints[n] = becomes;
        if becomes == Is::Deleted {
            self.said(format!("delete {id}"));
            let store = self.world.store();
            assert!(
                store
                    .delete_endpoint(&self.world.acme, &id, at(self.now))
                    .await
                    .unwrap()
            );
            for one in self
                .all
                .iter_mut()
                .filter(|one| one.endpoint == n && one.state == Pending)
            {
                (one.state, one.waits) = (Dead, false);
                one.reason = Some("endpoint deleted".into());
            }
        } else {
            let enabled = becomes == Is::Enabled;
            self.said(format!("put {id}, enabled: {enabled}"));
            let put = endpoint(&self.world.acme, id.as_str());
            self.world
                .put(&webhook_model::Endpoint { enabled, ..put })
                .await;
        }
    }

    pub(super) async fn replay(&mut self) {
        let states = [None, Some(Dead), Some(Succeeded), Some(Pending)];
        let (state, endpoint) = (states[self.below(4)], self.below(6));
        let from = at(self.below(self.now as usize) as u64);
        let filter = DeliveryFilter {
            state,
            endpoint: self.ids.get(endpoint).cloned(),
            from: self.chance(30).then_some(from),
            ..DeliveryFilter::default()
        };
        self.said(format!("replay {filter:?}"));
        let mut expected = 0;
        for n in 0..self.all.len() {
            let one = &self.all[n];
            let is_pending = state == Some(Pending) && one.state == Pending;
            if is_pending && !one.waits && one.made > 0 && self.selects(&filter, one) {
                let one = &mut self.all[n];
                (one.due, one.made) = (one.due.min(at(self.now)), 0);
                expected += 1;
                continue;
            }
            let ended = matches!(one.state, Succeeded | Dead);
            if !ended || !self.selects(&filter, one) || self.endpoints[one.endpoint] == Is::Deleted
            {
                continue;
            }
            let waits = one.ordered && self.is_busy(one.endpoint, &one.event.ordering_key);
            let one = &mut self.all[n];
            (one.state, one.due, one.waits) = (Pending, at(self.now), waits);
            (one.made, one.reason) = (0, None);
            expected += 1;
        }
        let replayed = self.world.replay(&filter, self.now).await;
        assert_eq!(replayed, expected, "{}", self.story());
    }

    pub(super) fn selects(&self, filter: &DeliveryFilter, one: &Expected) -> bool {
        filter.state.is_none_or(|state| state == one.state)
            && filter
                .endpoint
                .as_ref()
                .is_none_or(|id| *id == self.ids[one.endpoint])
            && filter.from.is_none_or(|from| from <= one.created_at)
    }
}
