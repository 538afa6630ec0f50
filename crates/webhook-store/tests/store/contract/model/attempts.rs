//! Calls that claim deliveries and record outcomes.

use rand::RngExt;
use webhook_model::DeliveryState::{Dead, InFlight, Pending, Succeeded};
use webhook_model::{Attempt, Millis};
use webhook_store::{Claim, ClaimRequest, NextState, Outcome};

use super::{ENDPOINTS, Expected, Is, Run};
use crate::world::{at, failure, success};

impl Run {
    pub(super) async fn claim(&mut self) {
        let owner = self.owner().await;
        let mut requests = Vec::new();
        for n in 0..ENDPOINTS.len() {
            if self.chance(60) {
                let limit = self.below(5);
                requests.push((n, limit));
            }
        }
        self.said(format!("claim by {owner}: {requests:?}"));
        let asked: Vec<ClaimRequest> = requests
            .iter()
            .map(|(n, limit)| self.world.ask(&self.ids[*n], *limit))
            .collect();
        let result = self
            .world
            .store()
            .claim(&self.owners[owner], &asked, at(self.now))
            .await;
        if self.leases[owner].is_none() {
            assert!(result.is_err(), "claimed without a lease\n{}", self.story());
            return;
        }
        let claims = result.unwrap();
        assert!(
            claims.is_sorted_by_key(|claim| claim.due),
            "{}",
            self.story()
        );
        for (n, limit) in requests {
            let of_endpoint = claims.iter().filter(|claim| claim.endpoint == self.ids[n]);
            self.claimed(owner, n, limit, of_endpoint.collect());
        }
    }

    /// Checks the claims of an endpoint: up to the limit, the longest due first.
    pub(super) fn claimed(
        &mut self,
        owner: usize,
        endpoint: usize,
        limit: usize,
        claims: Vec<&Claim>,
    ) {
        let mut due: Vec<Millis> = self.due_of(endpoint).map(|one| one.due).collect();
        due.sort();
        due.truncate(limit);
        let claimed: Vec<Millis> = claims.iter().map(|claim| claim.due).collect();
        assert_eq!(claimed, due, "{}", self.story());
        let story = self.story();
        for claim in claims {
            let one = self.all.iter_mut().find(|one| one.id == claim.id).unwrap();
            assert!(one.state == Pending && !one.waits, "{claim:?}\n{story}");
            assert_eq!(
                (one.due, one.made),
                (claim.due, claim.attempts_made),
                "{claim:?}\n{story}"
            );
            assert_eq!(
                (&one.event.id, &one.event.data),
                (&claim.event, &claim.body)
            );
            (one.state, one.owner, one.fence) = (InFlight, owner, claim.fence);
        }
    }

    pub(super) async fn complete(&mut self) {
        let owner = self.owner().await;
        let mut outcomes = Vec::new();
        let mut picked = Vec::new();
        for _ in 0..1 + self.below(4) {
            if self.all.is_empty() {
                return;
            }
            // Mostly a delivery in flight, sometimes any.
            let flying: Vec<usize> = (0..self.all.len())
                .filter(|n| self.all[*n].state == InFlight)
                .collect();
            let n = match flying.len() {
                0 => self.below(self.all.len()),
                _ if self.chance(10) => self.below(self.all.len()),
                some => flying[self.below(some)],
            };
            let attempt = self.attempt();
            let next = match self.below(6) {
                0 => NextState::Dead("gave up".into()),
                1 | 2 => NextState::Due(at(self.now + self.random.random_range(0..90))),
                _ => NextState::Succeeded,
            };
            outcomes.push(Outcome {
                tenant: self.world.acme.clone(),
                id: self.all[n].id.clone(),
                endpoint: self.ids[self.all[n].endpoint].clone(),
                fence: self.all[n].fence,
                attempt,
                next,
            });
            picked.push(n);
        }
        self.said(format!("complete by {owner}: {outcomes:?}"));
        let store = self.world.store();
        let accepted = store
            .complete(&self.owners[owner], &outcomes, at(self.now))
            .await
            .unwrap();
        let mut expected = Vec::new();
        for (n, outcome) in picked.into_iter().zip(outcomes) {
            self.past
                .push((self.owners[owner].clone(), outcome.clone()));
            expected.push(self.completed(owner, n, outcome));
        }
        assert_eq!(accepted, expected, "{}", self.story());
    }

    /// Records an outcome again, as after a lost reply. Its claim has ended, so nothing changes.
    pub(super) async fn repeat(&mut self) {
        if self.past.is_empty() {
            return;
        }
        let n = self.below(self.past.len());
        let (owner, outcome) = self.past[n].clone();
        self.said(format!("repeat by {owner:?}: {outcome:?}"));
        let store = self.world.store();
        let outcomes = std::slice::from_ref(&outcome);
        let accepted = store.complete(&owner, outcomes, at(self.now)).await;
        let one = self.all.iter().find(|one| one.id == outcome.id).unwrap();
        let flies = one.state == InFlight && one.fence == outcome.fence;
        if flies && self.owners[one.owner] == owner {
            // It was rejected because of another owner; now the delivery is its own.
            unreachable!("a claim has one owner\n{}", self.story());
        }
        let expected = is_recorded(one, &outcome);
        assert_eq!(accepted.unwrap(), [expected], "{}", self.story());
    }

    pub(super) fn attempt(&mut self) -> Option<Attempt> {
        match self.below(5) {
            0 => None,
            1 => Some(success(self.now)),
            _ => Some(failure(self.now)),
        }
    }

    pub(super) fn completed(&mut self, owner: usize, n: usize, outcome: Outcome) -> bool {
        let deleted = self.endpoints[self.all[n].endpoint] == Is::Deleted;
        let one = &mut self.all[n];
        if one.state != InFlight || one.owner != owner || one.fence != outcome.fence {
            return is_recorded(one, &outcome);
        }
        one.recorded
            .extend(outcome.attempt.as_ref().map(|_| outcome.fence));
        one.made += u32::from(outcome.attempt.is_some());
        one.attempts.extend(outcome.attempt);
        match outcome.next {
            NextState::Succeeded => one.state = Succeeded,
            NextState::Dead(reason) => (one.state, one.reason) = (Dead, Some(reason)),
            NextState::Due(_) if deleted => {
                (one.state, one.reason) = (Dead, Some("endpoint deleted".into()));
            }
            NextState::Due(due) => (one.state, one.due) = (Pending, due),
        }
        self.promote(n);
        true
    }
}

/// Returns whether the outcome of a claim that is not in flight was recorded before.
fn is_recorded(one: &Expected, outcome: &Outcome) -> bool {
    let died_of = |reason: &str| one.state == Dead && one.reason.as_deref() == Some(reason);
    match &outcome.next {
        _ if outcome.attempt.is_some() => one.recorded.contains(&outcome.fence),
        NextState::Succeeded => one.state == Succeeded,
        NextState::Dead(reason) => died_of(reason),
        NextState::Due(_) => one.state == Pending || died_of("endpoint deleted"),
    }
}
