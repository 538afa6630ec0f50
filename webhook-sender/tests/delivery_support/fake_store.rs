//! A store in memory that tests can query for every delivery.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use test_support::with_timeout;
use tokio::sync::watch;
use webhook_model::{
    Attempt, Delivery, DeliveryId, Endpoint, EndpointId, Event, EventId, Millis, Owner, Rejected,
    TenantId,
};
use webhook_store::{
    Acceptance, AcceptedEvent, Claim, ClaimRequest, Cursor, DeliveryFilter, Depth, DueEndpoint,
    Fence, Leases, NextState, Outcome, Page, PlanBatch, PlanResult, Queue, RejectedFilter,
    StoreError, Tenants,
};

use super::faults::{Faults, unavailable};
use super::row::{Row, State};

type Result<T> = std::result::Result<T, StoreError>;

#[derive(Default)]
pub struct FakeStore {
    inner: Mutex<Inner>,
    /// Incremented when outcomes are recorded, and by calls of `claim`, `plan` and `rewind`.
    changes: watch::Sender<u64>,
    /// Set while calls of `claim` and `plan` wait.
    pub held: watch::Sender<bool>,
}

#[derive(Default)]
struct Inner {
    version: u64,
    endpoints: BTreeMap<(TenantId, EndpointId), Endpoint>,
    rows: HashMap<DeliveryId, Row>,
    /// Keyed by endpoint, and then by due time and order of insertion.
    due: HashMap<EndpointId, BTreeMap<(Millis, u64), DeliveryId>>,
    sequence: u64,
    /// The number of deliveries of an endpoint that have not succeeded.
    open: HashMap<EndpointId, usize>,
    calls: Calls,
    /// The arguments of the calls of `rewind`.
    rewound: Vec<Millis>,
    faults: Faults,
}

/// The number of calls of the store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls {
    pub due: usize,
    pub plan: usize,
    pub claim: usize,
    pub complete: usize,
}

impl FakeStore {
    pub fn put(&self, endpoint: Endpoint) {
        let mut inner = self.lock();
        inner.version += 1;
        let mut endpoint = endpoint;
        endpoint.version = inner.version;
        let key = (endpoint.tenant.clone(), endpoint.id.clone());
        inner.endpoints.insert(key, endpoint);
    }

    /// Adds a delivery that is due at `due`. Returns it as it would be claimed.
    pub fn add(&self, endpoint: &Endpoint, event: &str, body: &[u8], due: Millis) -> Claim {
        let event = EventId::parse(event).unwrap();
        let claim = Claim {
            tenant: endpoint.tenant.clone(),
            id: DeliveryId::of(&endpoint.tenant, &event, &endpoint.id),
            endpoint: endpoint.id.clone(),
            event,
            body: Bytes::copy_from_slice(body),
            attempts_made: 0,
            due,
            fence: Fence::new(due),
        };
        let mut inner = self.lock();
        let row = Row {
            claim: claim.clone(),
            state: State::Due(due),
            attempts: vec![],
        };
        if inner.rows.insert(claim.id.clone(), row).is_none() {
            *inner.open.entry(claim.endpoint.clone()).or_default() += 1;
        }
        inner.enqueue(&claim.id, due);
        claim
    }

    /// Puts an added delivery in flight under `owner`, as planning does.
    pub fn claim_now(&self, claim: &Claim, owner: &Owner) {
        let mut inner = self.lock();
        inner
            .due
            .get_mut(&claim.endpoint)
            .unwrap()
            .retain(|_, id| *id != claim.id);
        inner.rows.get_mut(&claim.id).unwrap().state = State::InFlight(owner.incarnation.clone());
    }

    /// Releases all deliveries in flight, as after the end of the lease.
    pub fn give_away(&self) {
        for row in self.lock().rows.values_mut() {
            if matches!(row.state, State::InFlight(_)) {
                row.state = State::InFlight("another".into());
            }
        }
    }

    /// Changes the faults of later calls.
    pub fn fault(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.lock().faults);
    }

    pub fn calls(&self) -> Calls {
        self.lock().calls
    }

    /// Returns the times that were passed to `rewind`.
    pub fn rewound(&self) -> Vec<Millis> {
        self.lock().rewound.clone()
    }

    pub fn row(&self, id: &DeliveryId) -> Row {
        self.lock().rows[id].clone()
    }

    /// Returns the rows of an endpoint.
    pub fn rows(&self, endpoint: &Endpoint) -> Vec<Row> {
        let inner = self.lock();
        let rows = inner
            .rows
            .values()
            .filter(|row| row.claim.endpoint == endpoint.id);
        rows.cloned().collect()
    }

    pub fn count(&self, endpoint: &Endpoint, state: impl Fn(&Row) -> bool) -> usize {
        let rows = self.rows(endpoint);
        rows.iter().filter(|row| state(row)).count()
    }

    /// Waits until `ready` returns true. It is called after each change.
    pub async fn until(&self, what: &str, ready: impl Fn(&Self) -> bool) {
        let mut changes = self.changes.subscribe();
        let become_ready = async {
            while !ready(self) {
                changes.changed().await.unwrap();
            }
        };
        with_timeout(become_ready, || what.to_owned()).await;
    }

    /// Waits until all deliveries to the endpoint have succeeded.
    pub async fn all_succeed(&self, endpoint: &Endpoint) {
        let what = format!("all deliveries to `{}`", endpoint.id);
        let done = |store: &Self| {
            store
                .lock()
                .open
                .get(&endpoint.id)
                .is_none_or(|open| *open == 0)
        };
        self.until(&what, done).await;
    }

    async fn released(&self) {
        let mut held = self.held.subscribe();
        held.wait_for(|held| !held).await.unwrap();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A call that panics on purpose holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn enqueue(&mut self, id: &DeliveryId, due: Millis) {
        self.sequence += 1;
        let endpoint = self.rows[id].claim.endpoint.clone();
        let sequence = self.sequence;
        self.due
            .entry(endpoint)
            .or_default()
            .insert((due, sequence), id.clone());
    }

    fn complete(&mut self, owner: &Owner, outcome: &Outcome) -> bool {
        let Some(row) = self.rows.get_mut(&outcome.id) else {
            return false;
        };
        let is_its_own = row.state == State::InFlight(owner.incarnation.clone());
        if !is_its_own || row.claim.fence != outcome.fence {
            return false;
        }
        if let Some(attempt) = &outcome.attempt {
            row.attempts.push(attempt.clone());
            row.claim.attempts_made += 1;
        }
        row.state = match &outcome.next {
            NextState::Succeeded => {
                *self.open.get_mut(&row.claim.endpoint).unwrap() -= 1;
                State::Succeeded
            }
            NextState::Due(at) => State::Due(*at),
            NextState::Dead(reason) => State::Dead(reason.clone()),
        };
        if let NextState::Due(at) = outcome.next {
            row.claim.due = at;
            self.enqueue(&outcome.id, at);
        }
        true
    }
}

#[async_trait]
impl Leases for FakeStore {
    async fn acquire_lease(&self, _: &Owner, _: Millis, _: Millis) -> Result<()> {
        Ok(())
    }

    async fn renew(&self, _: &Owner, _: Millis, _: Millis) -> Result<()> {
        Ok(())
    }

    async fn release_lease(&self, _: &Owner, _: Millis) -> Result<()> {
        Ok(())
    }

    async fn recover(&self, _: &Owner, _: Millis) -> Result<u64> {
        Ok(0)
    }
}

#[async_trait]
impl Tenants for FakeStore {
    async fn tenants(&self) -> Result<Vec<(TenantId, u64)>> {
        let inner = self.lock();
        let mut tenants: Vec<_> = inner.endpoints.keys().map(|key| key.0.clone()).collect();
        tenants.dedup();
        Ok(tenants
            .into_iter()
            .map(|tenant| (tenant, inner.version))
            .collect())
    }

    async fn put_tenant(&self, _: &TenantId) -> Result<bool> {
        Err(unavailable())
    }

    async fn delete_tenant(&self, _: &TenantId) -> Result<bool> {
        Err(unavailable())
    }

    async fn endpoints(&self, tenant: &TenantId) -> Result<Option<(u64, Vec<Endpoint>)>> {
        let inner = self.lock();
        let endpoints = inner
            .endpoints
            .values()
            .filter(|endpoint| endpoint.tenant == *tenant);
        Ok(Some((inner.version, endpoints.cloned().collect())))
    }

    async fn put_endpoint(&self, _: &Endpoint, _: Option<u64>) -> Result<u64> {
        Err(unavailable())
    }

    async fn delete_endpoint(&self, _: &TenantId, _: &EndpointId, _: Millis) -> Result<bool> {
        Err(unavailable())
    }
}

#[async_trait]
impl Queue for FakeStore {
    async fn plan(&self, _: &Owner, _: PlanBatch, _: Millis) -> Result<PlanResult> {
        self.lock().calls.plan += 1;
        self.changes.send_modify(|changes| *changes += 1);
        self.released().await;
        Err(unavailable())
    }

    async fn accept(&self, _: &TenantId, _: &[Event], _: Millis) -> Result<Vec<Acceptance>> {
        Err(unavailable())
    }

    async fn backlog(&self) -> Result<Vec<TenantId>> {
        Err(unavailable())
    }

    async fn begin_planning(
        &self,
        _: &Owner,
        _: &TenantId,
        _: usize,
    ) -> Result<Vec<AcceptedEvent>> {
        Err(unavailable())
    }

    async fn end_planning(&self, _: &Owner, _: &TenantId, _: &[EventId]) -> Result<()> {
        Err(unavailable())
    }

    async fn discard_accepted(&self, _: &TenantId, _: &EventId, _: u32) -> Result<()> {
        Err(unavailable())
    }

    async fn reject(&self, _: &[Rejected]) -> Result<()> {
        Err(unavailable())
    }

    async fn due(&self, now: Millis) -> Result<(Vec<DueEndpoint>, Option<Millis>)> {
        let mut inner = self.lock();
        inner.calls.due += 1;
        let (mut due, mut next) = (vec![], None);
        for (key, endpoint) in &inner.endpoints {
            let Some(queue) = inner.due.get(&key.1).filter(|_| endpoint.enabled) else {
                continue;
            };
            let after = queue.keys().find(|(at, _)| *at > now).map(|(at, _)| *at);
            next = [next, after].into_iter().flatten().min();
            if let Some(((at, _), _)) = queue.first_key_value().filter(|((at, _), _)| *at <= now) {
                due.push(DueEndpoint {
                    tenant: key.0.clone(),
                    endpoint: key.1.clone(),
                    at: *at,
                });
            }
        }
        Ok((due, next))
    }

    async fn claim(&self, owner: &Owner, asks: &[ClaimRequest], now: Millis) -> Result<Vec<Claim>> {
        self.lock().calls.claim += 1;
        self.changes.send_modify(|changes| *changes += 1);
        self.released().await;
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.faults.of_claim()?;
        let mut claims = vec![];
        for ask in asks {
            let Some(queue) = inner.due.get_mut(&ask.endpoint) else {
                continue;
            };
            for _ in 0..ask.limit + inner.faults.excess_claims {
                let Some(first) = queue.first_entry().filter(|first| first.key().0 <= now) else {
                    break;
                };
                let row = inner.rows.get_mut(&first.remove()).unwrap();
                row.state = State::InFlight(owner.incarnation.clone());
                row.claim.fence = Fence::new(now);
                claims.push(row.claim.clone());
            }
        }
        Ok(claims)
    }

    async fn complete(&self, owner: &Owner, outcomes: &[Outcome], _: Millis) -> Result<Vec<bool>> {
        let kept = {
            let mut inner = self.lock();
            inner.calls.complete += 1;
            inner.faults.of_complete(outcomes)?;
            outcomes
                .iter()
                .map(|outcome| inner.complete(owner, outcome))
                .collect()
        };
        self.changes.send_modify(|changes| *changes += 1);
        Ok(kept)
    }

    async fn write_counts(&self) -> Result<()> {
        Ok(())
    }

    async fn rewind(&self, now: Millis) -> Result<u64> {
        self.lock().rewound.push(now);
        self.changes.send_modify(|changes| *changes += 1);
        Ok(0)
    }

    async fn event(&self, _: &TenantId, _: &EventId) -> Result<Option<Event>> {
        self.lock().faults.of_event();
        Err(unavailable())
    }

    async fn prune(&self, _: Millis, _: Millis) -> Result<bool> {
        Ok(false)
    }

    async fn wait_for_work(&self) {
        std::future::pending().await
    }
}
