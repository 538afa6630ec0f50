//! Compares a store with a simple model after each of many random calls.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use webhook_model::DeliveryState::{Dead, InFlight, Pending, Succeeded};
use webhook_model::{
    Attempt, Delivery, DeliveryId, DeliveryState, EndpointId, Event, Millis, Owner,
};
use webhook_store::{
    Claim, ClaimRequest, DeliveryFilter, DueEndpoint, EventFilter, Fence, InitialState,
    ListedEvent, NextState, Outcome, PlanBatch, PlanResult, Planned,
};

use crate::world::{
    To, World, at, claimed, dead, due, endpoint, event, failure, keyed, listed, planned, sender,
    success,
};

const SEEDS: u64 = 24;
const CALLS: usize = 120;
const ENDPOINTS: [&str; 3] = ["first", "second", "third"];

/// A delivery of the model. The model lists them in the order of planning.
struct Expected {
    id: DeliveryId,
    event: Event,
    endpoint: usize,
    ordered: bool,
    state: DeliveryState,
    /// The due time, or the earliest one while it waits.
    due: Millis,
    /// True if it waits for its ordering group.
    waits: bool,
    owner: usize,
    reason: Option<String>,
    attempts: Vec<Attempt>,
    /// The fence of its last claim.
    fence: Fence,
    /// The fences of claims with recorded attempts.
    recorded: Vec<Fence>,
    made: u32,
    created_at: Millis,
}

/// An endpoint of the model.
#[derive(Clone, Copy, PartialEq)]
enum Is {
    Enabled,
    Disabled,
    Deleted,
}

struct Run {
    world: World,
    random: StdRng,
    now: u64,
    ids: Vec<EndpointId>,
    endpoints: Vec<Is>,
    owners: Vec<Owner>,
    /// The end of each owner's lease; `None` if it is lost.
    leases: Vec<Option<u64>>,
    /// The ids of events in the order of planning.
    known: Vec<String>,
    all: Vec<Expected>,
    /// Outcomes and their owners, to record again.
    past: Vec<(Owner, Outcome)>,
    /// The calls so far, for the message of a failure.
    log: Vec<String>,
}

pub async fn a_store_behaves_like_its_model(mut world: World) {
    for seed in 0..SEEDS {
        let mut run = Run::new(world, seed).await;
        for _ in 0..CALLS {
            run.call().await;
            run.compare().await;
        }
        world = run.world;
        assert!(world.store().delete_tenant(&world.acme).await.unwrap());
        world.store().put_tenant(&world.acme).await.unwrap();
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

impl Run {
    async fn new(world: World, seed: u64) -> Self {
        let owners: Vec<Owner> = ["x", "y"]
            .map(|name| sender(&format!("{name}{seed}")))
            .into();
        for owner in &owners {
            world
                .store()
                .acquire_lease(owner, at(0), at(1_000))
                .await
                .unwrap();
        }
        let mut ids = Vec::new();
        for id in ENDPOINTS {
            ids.push(world.put(&endpoint(&world.acme, id)).await.id);
        }
        Self {
            world,
            random: StdRng::seed_from_u64(seed),
            now: 1,
            ids,
            endpoints: vec![Is::Enabled; ENDPOINTS.len()],
            owners,
            leases: vec![Some(1_000); 2],
            known: Vec::new(),
            all: Vec::new(),
            past: Vec::new(),
            log: vec![format!("seed {seed}")],
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    /// Returns a random owner with a live lease; an expired one is renewed first.
    async fn owner(&mut self) -> usize {
        let owner = self.below(2);
        if self.leases[owner].is_some_and(|until| until <= self.now) {
            self.renew(owner).await;
        }
        owner
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn said(&mut self, call: String) {
        self.log.push(format!("at {}: {call}", self.now));
    }

    fn story(&self) -> String {
        self.log.join("\n")
    }

    async fn call(&mut self) {
        self.now += self.below(30) as u64;
        match self.below(100) {
            0..30 => self.plan().await,
            30..50 => self.claim().await,
            50..70 => self.complete().await,
            70..75 => self.repeat().await,
            75..79 => {
                let owner = self.below(2);
                self.renew(owner).await;
            }
            79..82 => self.recover().await,
            82..85 => self.enter().await,
            85..87 => self.leave().await,
            87..92 => self.change_endpoint().await,
            92..97 => self.replay().await,
            _ => self.now += 300,
        }
    }

    // ── calls ─────────────────────────────────────────────────────────────────────────────────

    async fn plan(&mut self) {
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
        let mut answers = Vec::new();
        for (event, to, is_known) in expected {
            answers.push(self.planned(owner, fence, event, to, is_known));
        }
        assert_eq!(
            result.unwrap(),
            PlanResult::Done(answers),
            "{}",
            self.story()
        );
    }

    fn event(&mut self) -> Event {
        let id = format!("e{}", self.below(60));
        match self.below(4) {
            0 => keyed(&id, "a"),
            1 => keyed(&id, "b"),
            _ => event(&id),
        }
    }

    fn deliveries(&mut self) -> Vec<(usize, To)> {
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

    fn planned(
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

    async fn claim(&mut self) {
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
    fn claimed(&mut self, owner: usize, endpoint: usize, limit: usize, claims: Vec<&Claim>) {
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

    async fn complete(&mut self) {
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
    async fn repeat(&mut self) {
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

    fn attempt(&mut self) -> Option<Attempt> {
        match self.below(5) {
            0 => None,
            1 => Some(success(self.now)),
            _ => Some(failure(self.now)),
        }
    }

    fn completed(&mut self, owner: usize, n: usize, outcome: Outcome) -> bool {
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

    async fn renew(&mut self, owner: usize) {
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

    async fn recover(&mut self) {
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

    async fn enter(&mut self) {
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

    async fn leave(&mut self) {
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
    async fn give_back(&mut self, owner: usize) -> u64 {
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
    async fn adopt(&mut self) {
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

    async fn change_endpoint(&mut self) {
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

    async fn replay(&mut self) {
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

    // ── the model ─────────────────────────────────────────────────────────────────────────────

    fn selects(&self, filter: &DeliveryFilter, one: &Expected) -> bool {
        filter.state.is_none_or(|state| state == one.state)
            && filter
                .endpoint
                .as_ref()
                .is_none_or(|id| *id == self.ids[one.endpoint])
            && filter.from.is_none_or(|from| from <= one.created_at)
    }

    /// Returns whether the ordering group has a delivery that is due or in flight.
    fn is_busy(&self, endpoint: usize, key: &Option<String>) -> bool {
        self.all.iter().any(|one| {
            one.ordered
                && one.endpoint == endpoint
                && one.event.ordering_key == *key
                && matches!(one.state, Pending | InFlight)
        })
    }

    /// Makes the next delivery of an ordering group due after one has ended.
    fn promote(&mut self, n: usize) {
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
    fn due_of(&self, endpoint: usize) -> impl Iterator<Item = &Expected> {
        let enabled = self.endpoints[endpoint] == Is::Enabled;
        let now = at(self.now);
        self.waiting(endpoint)
            .filter(move |one| enabled && one.due <= now)
    }

    fn waiting(&self, endpoint: usize) -> impl Iterator<Item = &Expected> {
        let all = self.all.iter();
        all.filter(move |one| one.endpoint == endpoint && one.state == Pending && !one.waits)
    }

    // ── comparison ────────────────────────────────────────────────────────────────────────────

    async fn compare(&self) {
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

    fn shown(&self, one: &Expected) -> Delivery {
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

    fn due(&self) -> Vec<DueEndpoint> {
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

    fn next_due(&self) -> Option<Millis> {
        let enabled = (0..ENDPOINTS.len()).filter(|n| self.endpoints[*n] == Is::Enabled);
        let later = enabled.flat_map(|n| self.waiting(n)).map(|one| one.due);
        later.filter(|due| *due > at(self.now)).min()
    }
}
