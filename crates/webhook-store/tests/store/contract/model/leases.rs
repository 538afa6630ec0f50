//! Calls about leases, and the return of claims.

use webhook_model::DeliveryState::{Dead, InFlight, Pending};
use webhook_model::Millis;

use super::{Is, Run};
use crate::world::at;

impl Run {
    pub(super) async fn renew(&mut self, owner: usize) {
        let until = self.now + 200;
        self.said(format!("renew {owner} until {until}"));
        let store = self.world.store();
        let renewed = store
            .renew(&self.owners[owner], at(self.now), at(until))
            .await;
        assert_eq!(
            renewed.is_ok(),
            self.leases[owner].is_some(),
            "{}",
            self.story()
        );
        if renewed.is_ok() {
            self.leases[owner] = Some(until);
        }
    }

    pub(super) async fn recover(&mut self) {
        self.said("recover".into());
        let mut expected = 0;
        for owner in 0..2 {
            if self.leases[owner].is_some_and(|until| until <= self.now) {
                expected += self.give_back(owner).await;
            }
        }
        // Time alone must not change anything.
        let recovered = self.world.recover(self.now).await;
        assert_eq!(recovered, expected, "{}", self.story());
        self.adopt().await;
    }

    pub(super) async fn enter(&mut self) {
        let owner = self.below(2);
        let until = self.now + 200;
        let again = self.leases[owner].is_none() || self.chance(50);
        if again {
            let next = self.owners[owner].reincarnated();
            self.said(format!("enter {owner} anew until {until}"));
            // The earlier run had the process id of this one, so it is gone.
            self.world
                .store()
                .acquire_lease(&next, at(self.now), at(until))
                .await
                .unwrap();
            self.owners[owner] = next;
            self.give_back(owner).await;
        } else {
            self.said(format!("enter {owner} again until {until}"));
            self.world
                .store()
                .acquire_lease(&self.owners[owner], at(self.now), at(until))
                .await
                .unwrap();
        }
        self.leases[owner] = Some(until);
        self.adopt().await;
    }

    pub(super) async fn leave(&mut self) {
        let owner = self.below(2);
        self.said(format!("leave {owner}"));
        self.world
            .store()
            .release_lease(&self.owners[owner], at(self.now))
            .await
            .unwrap();
        if self.leases[owner].is_some() {
            self.give_back(owner).await;
        }
        self.adopt().await;
    }

    /// Makes all deliveries in flight under an owner due at once.
    pub(super) async fn give_back(&mut self, owner: usize) -> u64 {
        self.leases[owner] = None;
        let mut count = 0;
        for one in &mut self.all {
            if one.state != InFlight || one.owner != owner {
                continue;
            }
            count += 1;
            match self.endpoints[one.endpoint] {
                Is::Deleted => {
                    (one.state, one.reason) = (Dead, Some("endpoint deleted".into()));
                }
                // The store may choose any due time up to now.
                _ => (one.state, one.due) = (Pending, Millis(0)),
            }
        }
        count
    }

    /// Copies due times that the store may choose.
    pub(super) async fn adopt(&mut self) {
        for one in self.all.iter_mut().filter(|one| one.due == Millis(0)) {
            let due = self.world.get(&one.id).await.next_attempt_at;
            if one.state == Pending {
                one.due = due.unwrap();
                assert!(one.due <= at(self.now), "{}", self.log.join("\n"));
            } else {
                one.due = at(self.now);
            }
        }
    }
}
