//! A store under test, and calls of it. The values of tests come with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use webhook_model::{
    Attempt, Delivery, DeliveryId, DeliveryState, Endpoint, EndpointId, Event, Millis, Owner,
    TenantId,
};
use webhook_store::{
    Acceptance, Claim, ClaimRequest, DeliveryFilter, DueEndpoint, Fence, NextState, Outcome,
    PlanBatch, PlanResult, Planned, PlannedEvent, ReplayBodies, Store,
};

pub use crate::fixtures::{
    DAY, To, UNTIL, at, claimed, dead, due, endpoint, endpoint_id, event, event_id, exchange,
    failure, keyed, listed, of_delivery, of_state, planned, sender, success, tenant_id,
};

/// The location of a store, which keeps its data when the store is opened again.
#[async_trait]
pub trait Home: Send + Sync + 'static {
    async fn open(&self) -> Arc<dyn Store>;
}

/// A new store with a tenant `acme`, its endpoint `orders`, and the lease of a sender until
/// [`UNTIL`].
pub struct World {
    home: Box<dyn Home>,
    store: Option<Arc<dyn Store>>,
    pub owner: Owner,
    pub acme: TenantId,
    pub orders: EndpointId,
    /// The fence of each delivery's last claim.
    fences: Mutex<HashMap<DeliveryId, Fence>>,
}

impl World {
    pub async fn new(home: impl Home) -> Self {
        let world = Self {
            store: Some(home.open().await),
            home: Box::new(home),
            owner: Owner::this_process("sender"),
            acme: tenant_id("acme"),
            orders: endpoint_id("orders"),
            fences: Mutex::default(),
        };
        world
            .store()
            .acquire_lease(&world.owner, at(0), at(UNTIL))
            .await
            .unwrap();
        world.store().put_tenant(&world.acme).await.unwrap();
        world.add("orders").await;
        world
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        self.store.as_ref().unwrap()
    }

    /// Drops the store without releasing the lease, and opens it as another run of the process.
    pub async fn restart(&mut self, ms: u64) {
        self.store = None;
        self.store = Some(self.home.open().await);
        self.owner = self.owner.reincarnated();
        self.store()
            .acquire_lease(&self.owner, at(ms), at(UNTIL))
            .await
            .unwrap();
    }

    /// Drops the store, and returns its location.
    pub fn into_home(self) -> Box<dyn Home> {
        self.home
    }

    /// Adds an endpoint of `acme`.
    pub async fn add(&self, id: &str) -> EndpointId {
        self.put(&endpoint(&self.acme, id)).await.id
    }

    /// Writes an endpoint over any version. Returns the stored endpoint.
    pub async fn put(&self, endpoint: &Endpoint) -> Endpoint {
        let over = self
            .find(&endpoint.tenant, &endpoint.id)
            .await
            .map(|found| found.version);
        let version = self.store().put_endpoint(endpoint, over).await.unwrap();
        Endpoint {
            version,
            ..endpoint.clone()
        }
    }

    pub async fn find(&self, tenant: &TenantId, id: &EndpointId) -> Option<Endpoint> {
        let (_, endpoints) = self.store().endpoints(tenant).await.unwrap()?;
        endpoints.into_iter().find(|endpoint| endpoint.id == *id)
    }

    pub async fn enable(&self, id: &EndpointId, enabled: bool) {
        let found = self.find(&self.acme, id).await.unwrap();
        self.put(&Endpoint { enabled, ..found }).await;
    }

    pub async fn version(&self, tenant: &TenantId) -> u64 {
        self.store().endpoints(tenant).await.unwrap().unwrap().0
    }

    /// Plans events of `tenant` at that moment, as `owner`.
    pub async fn plan_as(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        events: Vec<PlannedEvent>,
        ms: u64,
    ) -> Vec<Planned> {
        let version = self.version(tenant).await;
        let fence = Fence::new(at(ms));
        let batch = PlanBatch {
            tenant: tenant.clone(),
            version,
            fence,
            events,
            accepted: false,
        };
        let PlanResult::Done(planned) = self.store().plan(owner, batch, at(ms)).await.unwrap()
        else {
            panic!("the version was asked for just now")
        };
        for one in &planned {
            if let Planned::New { claimed } = one {
                self.flies_under(claimed, fence);
            }
        }
        planned
    }

    /// Accepts events of `acme` at that moment.
    pub async fn accept(&self, events: &[Event], ms: u64) -> Vec<Acceptance> {
        let accepted = self.store().accept(&self.acme, events, at(ms)).await;
        accepted.unwrap()
    }

    /// Takes accepted events of `acme` for planning. Returns the ids, each with its earlier tries.
    pub async fn begin_as(&self, owner: &Owner, limit: usize) -> Vec<(String, u32)> {
        let taken = self.store().begin_planning(owner, &self.acme, limit).await;
        let taken = taken.unwrap().into_iter();
        taken
            .map(|taken| (taken.event.id.to_string(), taken.tries))
            .collect()
    }

    /// Plans accepted events of `acme`.
    pub async fn plan_accepted(&self, events: Vec<PlannedEvent>, ms: u64) -> Vec<Planned> {
        let batch = PlanBatch {
            tenant: self.acme.clone(),
            version: self.version(&self.acme).await,
            fence: Fence::new(at(ms)),
            events,
            accepted: true,
        };
        match self.store().plan(&self.owner, batch, at(ms)).await.unwrap() {
            PlanResult::Done(planned) => planned,
            other => panic!("{other:?}"),
        }
    }

    /// Plans one event of `acme`. Returns the ids of its deliveries.
    pub async fn plan(&self, event: Event, to: &[To], ms: u64) -> Vec<DeliveryId> {
        let event = planned(&self.acme, event, to);
        let ids = event
            .deliveries
            .iter()
            .map(|delivery| delivery.id.clone())
            .collect();
        let planned = self.plan_as(&self.owner, &self.acme, vec![event], ms).await;
        assert!(matches!(&planned[..], [Planned::New { .. }]), "{planned:?}");
        ids
    }

    /// Plans one event with one delivery.
    pub async fn one(&self, event: Event, to: To, ms: u64) -> DeliveryId {
        self.plan(event, &[to], ms).await.remove(0)
    }

    /// Claims up to `limit` deliveries of an endpoint of `acme`.
    pub async fn claim(&self, endpoint: &EndpointId, limit: usize, ms: u64) -> Vec<Claim> {
        self.claim_as(&self.owner, endpoint, limit, ms).await
    }

    pub async fn claim_as(
        &self,
        owner: &Owner,
        endpoint: &EndpointId,
        limit: usize,
        ms: u64,
    ) -> Vec<Claim> {
        let claims = self
            .store()
            .claim(owner, &[self.ask(endpoint, limit)], at(ms))
            .await
            .unwrap();
        for claim in &claims {
            self.flies_under(std::slice::from_ref(&claim.id), claim.fence);
        }
        claims
    }

    /// Records the fence of these deliveries.
    pub fn flies_under(&self, ids: &[DeliveryId], fence: Fence) {
        let mut fences = self.fences.lock().unwrap();
        fences.extend(ids.iter().map(|id| (id.clone(), fence)));
    }

    /// Returns the fence of a delivery's last claim; an unused fence if it was never claimed.
    pub fn fence(&self, id: &DeliveryId) -> Fence {
        let fences = self.fences.lock().unwrap();
        fences.get(id).copied().unwrap_or_else(|| Fence::new(at(0)))
    }

    /// Makes deliveries in flight under expired leases due.
    pub async fn recover(&self, ms: u64) -> u64 {
        self.store().recover(&self.owner, at(ms)).await.unwrap()
    }

    pub fn ask(&self, endpoint: &EndpointId, limit: usize) -> ClaimRequest {
        ClaimRequest {
            tenant: self.acme.clone(),
            endpoint: endpoint.clone(),
            limit,
        }
    }

    /// Claims all due deliveries of `orders`, and returns their ids.
    pub async fn claim_ids(&self, ms: u64) -> Vec<DeliveryId> {
        let claims = self.claim(&self.orders, 100, ms).await;
        claims.into_iter().map(|claim| claim.id).collect()
    }

    pub fn outcome(
        &self,
        delivery: &Delivery,
        attempt: Option<Attempt>,
        next: NextState,
    ) -> Outcome {
        Outcome {
            tenant: self.acme.clone(),
            id: delivery.id.clone(),
            endpoint: delivery.endpoint.clone(),
            fence: self.fence(&delivery.id),
            attempt,
            next,
        }
    }

    /// Records an outcome of a delivery of `acme`. Returns whether it was recorded.
    pub async fn complete(
        &self,
        id: &DeliveryId,
        attempt: Option<Attempt>,
        next: NextState,
        ms: u64,
    ) -> bool {
        self.complete_as(&self.owner, id, attempt, next, ms).await
    }

    pub async fn complete_as(
        &self,
        owner: &Owner,
        id: &DeliveryId,
        attempt: Option<Attempt>,
        next: NextState,
        ms: u64,
    ) -> bool {
        let outcome = self.outcome(&self.get(id).await, attempt, next);
        let accepted = self
            .store()
            .complete(owner, &[outcome], at(ms))
            .await
            .unwrap();
        assert_eq!(accepted.len(), 1);
        accepted[0]
    }

    pub async fn succeed(&self, id: &DeliveryId, ms: u64) {
        assert!(
            self.complete(id, Some(success(ms)), NextState::Succeeded, ms)
                .await
        );
    }

    pub async fn retry(&self, id: &DeliveryId, due: u64, ms: u64) {
        assert!(
            self.complete(id, Some(failure(ms)), NextState::Due(at(due)), ms)
                .await
        );
    }

    pub async fn bury(&self, id: &DeliveryId, ms: u64) {
        let dead = NextState::Dead("gave up".into());
        assert!(self.complete(id, Some(failure(ms)), dead, ms).await);
    }

    pub async fn get(&self, id: &DeliveryId) -> Delivery {
        let found = self.store().delivery(&self.acme, id).await.unwrap();
        found.unwrap_or_else(|| panic!("delivery `{id}` is not there"))
    }

    pub async fn state(&self, id: &DeliveryId) -> DeliveryState {
        self.get(id).await.state
    }

    pub async fn states(&self, ids: &[DeliveryId]) -> Vec<DeliveryState> {
        let mut states = Vec::new();
        for id in ids {
            states.push(self.state(id).await);
        }
        states
    }

    /// Returns the due endpoints, and the next due time.
    pub async fn due(&self, ms: u64) -> (Vec<DueEndpoint>, Option<Millis>) {
        self.store().due(at(ms)).await.unwrap()
    }

    pub async fn is_due(&self, ms: u64) -> bool {
        !self.due(ms).await.0.is_empty()
    }

    /// Returns all deliveries of `acme` that match a filter, the newest first.
    pub async fn list(&self, filter: &DeliveryFilter) -> Vec<Delivery> {
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let page = self
                .store()
                .deliveries(&self.acme, filter, cursor.as_ref(), 10_000)
                .await
                .unwrap();
            items.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return items;
            }
        }
    }

    /// Returns the number of deliveries that a replay would make due, counted part by part.
    pub async fn count_replayable(&self, filter: &DeliveryFilter) -> u64 {
        let (mut count, mut cursor) = (0, None);
        loop {
            let part = self
                .store()
                .count_replayable(&self.acme, filter, cursor.as_ref())
                .await
                .unwrap();
            count += part.count;
            cursor = part.next_cursor;
            if cursor.is_none() {
                return count;
            }
        }
    }

    pub async fn replay(&self, filter: &DeliveryFilter, ms: u64) -> u64 {
        self.store()
            .replay(&self.acme, filter, ReplayBodies::Kept, at(ms))
            .await
            .unwrap()
    }
}
