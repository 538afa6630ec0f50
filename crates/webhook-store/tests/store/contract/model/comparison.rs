//! The comparison of the store with the model.

use webhook_model::Delivery;
use webhook_model::DeliveryState::{Dead, InFlight, Pending};
use webhook_store::{DeliveryFilter, EventFilter, ListedEvent};

use super::{Expected, Run};
use crate::world::{at, listed};

impl Run {
    pub(super) async fn compare(&self) {
        let story = || self.story();
        let listed = self.world.list(&DeliveryFilter::default()).await;
        let expected: Vec<Delivery> = self.all.iter().rev().map(|one| self.shown(one)).collect();
        assert_eq!(listed.len(), expected.len(), "{}", story());
        // Deliveries of one batch have the same age, and the store chooses their order.
        for one in &expected {
            let found = listed.iter().find(|listed| listed.id == one.id);
            assert_eq!(found, Some(one), "{}", story());
        }
        assert!(listed.is_sorted_by(|a, b| a.created_at >= b.created_at));

        let (tenant, all) = (&self.world.acme, EventFilter::default());
        let events = self.world.store().events(tenant, &all, None, 1_000).await;
        let events = events.unwrap().items.into_iter().map(|event| match event {
            ListedEvent::Kept(event) => event.id.to_string(),
            ListedEvent::Rejected(rejected) => rejected.id,
        });
        assert!(events.eq(self.known.iter().rev().cloned()), "{}", story());

        let (mut due, next) = self.world.due(self.now).await;
        due.sort_by_key(|due| due.endpoint.clone());
        assert_eq!(due, self.due(), "{}", story());
        let in_time = self
            .next_due()
            .is_none_or(|due| next.is_some_and(|next| next <= due));
        let later = next.is_none_or(|next| next > at(self.now));
        assert!(in_time && later, "look again at {next:?}\n{}", story());

        let depth = self.world.store().depth(at(self.now)).await.unwrap();
        let count = |state| self.all.iter().filter(|one| one.state == state).count() as u64;
        let counts = (depth.pending, depth.in_flight, depth.dead);
        assert_eq!(
            counts,
            (count(Pending), count(InFlight), count(Dead)),
            "{}",
            story()
        );
        assert_eq!(
            depth.oldest_due,
            self.due().iter().map(|due| due.at).min(),
            "{}",
            story()
        );
    }

    pub(super) fn shown(&self, one: &Expected) -> Delivery {
        Delivery {
            id: one.id.clone(),
            event: one.event.id.clone(),
            kind: one.event.kind.clone(),
            endpoint: self.ids[one.endpoint].clone(),
            state: one.state,
            created_at: one.created_at,
            next_attempt_at: (one.state == Pending && !one.waits).then_some(one.due),
            reason: one.reason.clone(),
            attempts: one.attempts.iter().cloned().map(listed).collect(),
        }
    }
}
