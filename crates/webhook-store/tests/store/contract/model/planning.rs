//! Calls that plan events.

use rand::RngExt;
use webhook_model::DeliveryState::{Dead, InFlight, Pending};
use webhook_model::{DeliveryId, Event};
use webhook_store::{Fence, InitialState, PlanBatch, PlanResult, Planned};

use super::{ENDPOINTS, Expected, Is, Run};
use crate::world::{To, at, claimed, dead, due, event, keyed, planned};

impl Run {
    pub(super) async fn plan(&mut self) {
        let owner = self.owner().await;
        let mut events = Vec::new();
        let mut expected = Vec::new();
        let mut claims = false;
        let mut first_of_batch: Vec<String> = Vec::new();
        for _ in 0..1 + self.below(3) {
            let event = self.event();
            let to = self.deliveries();
            claims |= to.iter().any(|(_, to)| to.start == InitialState::Claimed);
            let name = event.id.to_string();
            let is_known = self.known.contains(&name) || first_of_batch.contains(&name);
            first_of_batch.push(name);
            let new: Vec<To> = to.iter().map(|(_, to)| to.clone()).collect();
            events.push(planned(&self.world.acme, event.clone(), &new));
            expected.push((event, to, is_known));
        }
        self.said(format!("plan by {owner}: {events:?}"));
        let version = self.world.version(&self.world.acme).await;
        let fence = Fence::new(at(self.now));
        let batch = PlanBatch {
            tenant: self.world.acme.clone(),
            version,
            fence,
            events,
            accepted: false,
        };
        let result = self
            .world
            .store()
            .plan(&self.owners[owner], batch, at(self.now))
            .await;
        if claims && self.leases[owner].is_none() {
            assert!(result.is_err(), "planned without a lease\n{}", self.story());
            return;
        }
        let mut results = Vec::new();
        for (event, to, is_known) in expected {
            results.push(self.planned(owner, fence, event, to, is_known));
        }
        assert_eq!(
            result.unwrap(),
            PlanResult::Done(results),
            "{}",
            self.story()
        );
    }

    pub(super) fn event(&mut self) -> Event {
        let id = format!("e{}", self.below(60));
        match self.below(4) {
            0 => keyed(&id, "a"),
            1 => keyed(&id, "b"),
            _ => event(&id),
        }
    }

    pub(super) fn deliveries(&mut self) -> Vec<(usize, To)> {
        let mut all = Vec::new();
        for n in 0..ENDPOINTS.len() {
            if self.endpoints[n] == Is::Deleted || self.chance(40) {
                continue;
            }
            let id = self.ids[n].clone();
            let start = match self.below(8) {
                0 => dead(&id, "no"),
                1..4 => due(&id, self.now + self.random.random_range(0..80)),
                _ => claimed(&id),
            };
            // The second endpoint is ordered, the third sometimes.
            let ordered = n == 1 || (n == 2 && self.chance(50));
            all.push((n, if ordered { start.ordered() } else { start }));
        }
        all
    }

    pub(super) fn planned(
        &mut self,
        owner: usize,
        fence: Fence,
        event: Event,
        to: Vec<(usize, To)>,
        known: bool,
    ) -> Planned {
        if known {
            return Planned::Known;
        }
        self.known.push(event.id.to_string());
        let mut claimed = Vec::new();
        for (endpoint, to) in to {
            let id = DeliveryId::of(&self.world.acme, &event.id, &self.ids[endpoint]);
            let waits = to.ordered && self.is_busy(endpoint, &event.ordering_key);
            let (state, due, reason) = match to.start {
                InitialState::Dead(reason) => (Dead, at(self.now), Some(reason)),
                InitialState::Due(due) => (Pending, due, None),
                InitialState::Claimed if waits => (Pending, at(self.now), None),
                InitialState::Claimed => (InFlight, at(self.now), None),
            };
            if state == InFlight {
                claimed.push(id.clone());
            }
            self.all.push(Expected {
                id,
                event: event.clone(),
                endpoint,
                ordered: to.ordered,
                state,
                due,
                waits: waits && state == Pending,
                owner,
                reason,
                attempts: Vec::new(),
                fence,
                recorded: Vec::new(),
                made: 0,
                created_at: at(self.now),
            });
        }
        Planned::New { claimed }
    }
}
