//! A store under test, and helpers for tests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use webhook_model::{
    Attempt, Delivery, DeliveryId, DeliveryState, Endpoint, EndpointId, Event, EventId, Exchange,
    HeaderBlock, Millis, Owner, Phase, Protocol, ReceivedParts, RequestRecord, Source, TenantId,
};
use webhook_store::{
    Acceptance, Claim, ClaimRequest, DeliveryFilter, DueEndpoint, Fence, InitialState, NewDelivery,
    NextState, Outcome, PlanBatch, PlanResult, Planned, PlannedEvent, ReplayBodies, Store,
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

/// Returns the time `ms` after the start of the test.
pub fn at(ms: u64) -> Millis {
    Millis(1_800_000_000_000 + ms)
}

pub const DAY: u64 = 24 * 60 * 60 * 1000;

/// The end of the lease of a world's own sender, later than any test lasts.
pub const UNTIL: u64 = 1000 * DAY;

pub fn tenant_id(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

pub fn endpoint_id(id: &str) -> EndpointId {
    EndpointId::parse(id).unwrap()
}

pub fn event_id(id: &str) -> EventId {
    EventId::parse(id).unwrap()
}

/// Returns a sender of that name on an unknown host.
pub fn sender(name: &str) -> Owner {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    Owner {
        name: name.into(),
        incarnation: format!("run {run}"),
        host: format!("machine {run}"),
        pid: 1,
    }
}

pub fn endpoint(tenant: &TenantId, id: &str) -> Endpoint {
    test_fixtures::endpoint(tenant, id, at(0))
}

/// Returns an event `id` whose data contains the id.
pub fn event(id: &str) -> Event {
    Event {
        id: event_id(id),
        kind: "order.shipped".into(),
        data: format!(r#"{{"id":"{id}"}}"#).into(),
        at: at(0),
        ordering_key: None,
        source: Source::API,
    }
}

pub fn keyed(id: &str, key: &str) -> Event {
    Event {
        ordering_key: Some(key.into()),
        ..event(id)
    }
}

/// Returns a new delivery of an event to an endpoint.
#[derive(Clone)]
pub struct To {
    pub endpoint: EndpointId,
    pub body: Option<Bytes>,
    pub ordered: bool,
    pub start: InitialState,
}

pub fn claimed(endpoint: &EndpointId) -> To {
    To {
        endpoint: endpoint.clone(),
        body: None,
        ordered: false,
        start: InitialState::Claimed,
    }
}

pub fn due(endpoint: &EndpointId, ms: u64) -> To {
    To {
        start: InitialState::Due(at(ms)),
        ..claimed(endpoint)
    }
}

pub fn dead(endpoint: &EndpointId, reason: &str) -> To {
    To {
        start: InitialState::Dead(reason.into()),
        ..claimed(endpoint)
    }
}

impl To {
    pub fn ordered(self) -> Self {
        Self {
            ordered: true,
            ..self
        }
    }
}

pub fn planned(tenant: &TenantId, event: Event, to: &[To]) -> PlannedEvent {
    let delivery = |to: &To| NewDelivery {
        id: DeliveryId::of(tenant, &event.id, &to.endpoint),
        endpoint: to.endpoint.clone(),
        body: to.body.clone(),
        ordered: to.ordered,
        start: to.start.clone(),
    };
    let deliveries = to.iter().map(delivery).collect();
    PlannedEvent { event, deliveries }
}

/// Returns the exchange of a request to which a receiver responded with that body.
pub fn exchange(body: &[u8]) -> Exchange {
    let mut headers = HeaderBlock::default();
    headers.push("X-Odd", b"\xff\0");
    let response = ReceivedParts {
        protocol: Protocol::Http1,
        headers: &headers,
        body,
        body_bytes: body.len() as u64,
    };
    let mut request = RequestRecord::new("https://example.com/hook?token=s3cret");
    request.hidden("Authorization");
    request.exchange([("webhook-id", "one")], 17, Some(&response))
}

/// Returns an attempt as lists show it.
pub fn listed(attempt: Attempt) -> Attempt {
    Attempt {
        exchange: Exchange::default(),
        ..attempt
    }
}

/// Returns an attempt at that time that failed with 500.
pub fn failure(ms: u64) -> Attempt {
    Attempt {
        at: at(ms),
        status: Some(500),
        error: Some("answered 500".into()),
        phase: Some(Phase::Respond),
        duration_ms: 7,
        exchange: exchange(b"sorry, \"quoted\"\n\0\xff"),
    }
}

/// Returns an attempt at that time that succeeded.
pub fn success(ms: u64) -> Attempt {
    Attempt {
        status: Some(204),
        error: None,
        phase: None,
        exchange: Exchange::default(),
        ..failure(ms)
    }
}

pub fn of_state(state: DeliveryState) -> DeliveryFilter {
    DeliveryFilter {
        state: Some(state),
        ..DeliveryFilter::default()
    }
}

pub fn of_delivery(id: &DeliveryId) -> DeliveryFilter {
    DeliveryFilter {
        delivery: Some(id.clone()),
        ..DeliveryFilter::default()
    }
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
        let page = self
            .store()
            .deliveries(&self.acme, filter, None, 10_000)
            .await
            .unwrap();
        assert_eq!(page.next_cursor, None);
        page.items
    }

    pub async fn replay(&self, filter: &DeliveryFilter, ms: u64) -> u64 {
        self.store()
            .replay(&self.acme, filter, ReplayBodies::Kept, at(ms))
            .await
            .unwrap()
    }
}
