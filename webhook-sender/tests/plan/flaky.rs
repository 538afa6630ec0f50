//! A real store whose replies can get lost.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot, watch};
use webhook_model::{
    Delivery, DeliveryId, Endpoint, EndpointId, Event, EventId, Millis, Owner, Rejected, TenantId,
};
use webhook_store::{
    Acceptance, AcceptedEvent, Claim, ClaimRequest, CountedPart, Counters, Cursor, DeliveryFilter,
    Depth, DueEndpoint, EndpointStats, Erased, EventDetails, EventFilter, Interval, Leases,
    ListedEvent, Outcome, Page, PlanBatch, PlanResult, Queries, Queue, RejectedFilter,
    ReplayBodies, Store, StoreError, Tenants,
};

type Result<T> = std::result::Result<T, StoreError>;

/// The fate of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// The call does not reach the store.
    Lost,
    /// The call is executed, and its reply is lost.
    ReplyLost,
    /// The reply says that the endpoints have changed.
    Stale,
    /// The reply says that the lease is lost.
    LeaseLost,
    /// The call never returns.
    Panics,
}

/// A store that forwards calls to another one.
pub struct Flaky<S> {
    inner: S,
    /// The fates of the next calls of `plan` and `complete`; later calls succeed.
    pub plans: Mutex<VecDeque<Fate>>,
    pub completes: Mutex<VecDeque<Fate>>,
    /// The number of events of each call of `plan`.
    pub batches: Mutex<Vec<usize>>,
    /// The event with which no call of `plan` returns.
    pub deadly: Mutex<Option<EventId>>,
    /// The tenant that the next call of `accept` does not know.
    pub forgotten: Mutex<Option<TenantId>>,
    /// The tenant whose calls of `plan` wait until this is changed.
    pub held: watch::Sender<Option<TenantId>>,
    /// A call of `plan` takes a permit, and waits if none is free.
    pub gate: Semaphore,
    /// The next call of `discard_accepted` waits for this.
    pub discards: Mutex<Option<oneshot::Receiver<()>>>,
}

impl<S> Flaky<S> {
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            plans: Mutex::default(),
            completes: Mutex::default(),
            batches: Mutex::default(),
            deadly: Mutex::default(),
            forgotten: Mutex::default(),
            held: watch::Sender::default(),
            gate: Semaphore::new(1_000_000),
            discards: Mutex::default(),
        }
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable {
        store: "flaky".into(),
        detail: "unreachable".into(),
    }
}

fn next(fates: &Mutex<VecDeque<Fate>>) -> Option<Fate> {
    fates.lock().unwrap().pop_front()
}

#[async_trait]
impl<S: Store> Leases for Flaky<S> {
    async fn acquire_lease(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()> {
        self.inner.acquire_lease(owner, now, until).await
    }

    async fn renew(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()> {
        self.inner.renew(owner, now, until).await
    }

    async fn release_lease(&self, owner: &Owner, now: Millis) -> Result<()> {
        self.inner.release_lease(owner, now).await
    }

    async fn recover(&self, owner: &Owner, now: Millis) -> Result<u64> {
        self.inner.recover(owner, now).await
    }
}

#[async_trait]
impl<S: Store> Tenants for Flaky<S> {
    async fn tenants(&self) -> Result<Vec<(TenantId, u64)>> {
        self.inner.tenants().await
    }

    async fn put_tenant(&self, tenant: &TenantId) -> Result<bool> {
        self.inner.put_tenant(tenant).await
    }

    async fn delete_tenant(&self, tenant: &TenantId) -> Result<bool> {
        self.inner.delete_tenant(tenant).await
    }

    async fn endpoints(&self, tenant: &TenantId) -> Result<Option<(u64, Vec<Endpoint>)>> {
        self.inner.endpoints(tenant).await
    }

    async fn put_endpoint(&self, endpoint: &Endpoint, over: Option<u64>) -> Result<u64> {
        self.inner.put_endpoint(endpoint, over).await
    }

    async fn delete_endpoint(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Millis,
    ) -> Result<bool> {
        self.inner.delete_endpoint(tenant, endpoint, now).await
    }
}

#[async_trait]
impl<S: Store> Queue for Flaky<S> {
    async fn plan(&self, owner: &Owner, batch: PlanBatch, now: Millis) -> Result<PlanResult> {
        self.batches.lock().unwrap().push(batch.events.len());
        let deadly = self.deadly.lock().unwrap().clone();
        let kills = |id: &EventId| batch.events.iter().any(|planned| planned.event.id == *id);
        assert!(!deadly.as_ref().is_some_and(kills), "a fault of the event");
        let is_free = |held: &Option<TenantId>| held.as_ref() != Some(&batch.tenant);
        self.held.subscribe().wait_for(is_free).await.unwrap();
        self.gate.acquire().await.unwrap().forget();
        match next(&self.plans) {
            None => self.inner.plan(owner, batch, now).await,
            Some(Fate::Lost) => Err(unavailable()),
            Some(Fate::ReplyLost) => {
                self.inner.plan(owner, batch, now).await?;
                Err(unavailable())
            }
            Some(Fate::Stale) => Ok(PlanResult::Stale),
            Some(Fate::LeaseLost) => Err(StoreError::LeaseLost(owner.name.clone())),
            Some(Fate::Panics) => panic!("a fault of the store"),
        }
    }

    async fn accept(
        &self,
        tenant: &TenantId,
        events: &[Event],
        now: Millis,
    ) -> Result<Vec<Acceptance>> {
        if self
            .forgotten
            .lock()
            .unwrap()
            .take_if(|gone| gone == tenant)
            .is_some()
        {
            return Err(StoreError::UnknownTenant(tenant.clone()));
        }
        self.inner.accept(tenant, events, now).await
    }

    async fn backlog(&self) -> Result<Vec<TenantId>> {
        self.inner.backlog().await
    }

    async fn begin_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        limit: usize,
    ) -> Result<Vec<AcceptedEvent>> {
        self.inner.begin_planning(owner, tenant, limit).await
    }

    async fn end_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        untried: &[EventId],
    ) -> Result<()> {
        self.inner.end_planning(owner, tenant, untried).await
    }

    async fn discard_accepted(&self, tenant: &TenantId, event: &EventId, tries: u32) -> Result<()> {
        let gate = self.discards.lock().unwrap().take();
        if let Some(gate) = gate {
            gate.await.unwrap();
        }
        self.inner.discard_accepted(tenant, event, tries).await
    }

    async fn complete(&self, owner: &Owner, all: &[Outcome], now: Millis) -> Result<Vec<bool>> {
        match next(&self.completes) {
            None => self.inner.complete(owner, all, now).await,
            Some(_) => Err(unavailable()),
        }
    }

    async fn write_counts(&self) -> Result<()> {
        self.inner.write_counts().await
    }

    async fn rewind(&self, now: Millis) -> Result<u64> {
        self.inner.rewind(now).await
    }

    async fn reject(&self, rejected: &[Rejected]) -> Result<()> {
        self.inner.reject(rejected).await
    }

    async fn due(&self, now: Millis) -> Result<(Vec<DueEndpoint>, Option<Millis>)> {
        self.inner.due(now).await
    }

    async fn claim(&self, owner: &Owner, asks: &[ClaimRequest], now: Millis) -> Result<Vec<Claim>> {
        self.inner.claim(owner, asks, now).await
    }

    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Event>> {
        self.inner.event(tenant, id).await
    }

    async fn prune(&self, succeeded_before: Millis, dead_before: Millis) -> Result<bool> {
        self.inner.prune(succeeded_before, dead_before).await
    }

    async fn wait_for_work(&self) {
        self.inner.wait_for_work().await;
    }
}

#[async_trait]
impl<S: Store> Queries for Flaky<S> {
    async fn event_details(&self, tenant: &TenantId, id: &EventId) -> Result<Option<EventDetails>> {
        self.inner.event_details(tenant, id).await
    }

    async fn events(
        &self,
        tenant: &TenantId,
        filter: &EventFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<ListedEvent>> {
        self.inner.events(tenant, filter, cursor, limit).await
    }

    async fn replay(
        &self,
        tenant: &TenantId,
        all: &DeliveryFilter,
        bodies: ReplayBodies,
        now: Millis,
    ) -> Result<u64> {
        self.inner.replay(tenant, all, bodies, now).await
    }

    async fn delivery(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Delivery>> {
        self.inner.delivery(tenant, id).await
    }

    async fn delivery_body(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Bytes>> {
        self.inner.delivery_body(tenant, id).await
    }

    async fn count_replayable(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
    ) -> Result<CountedPart> {
        self.inner.count_replayable(tenant, filter, cursor).await
    }

    async fn erase(&self, tenant: &TenantId, id: &str, now: Millis) -> Result<Option<Erased>> {
        self.inner.erase(tenant, id, now).await
    }

    async fn endpoint_stats(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<EndpointStats>> {
        self.inner.endpoint_stats(tenant, endpoint, by, from).await
    }

    async fn tenant_stats(
        &self,
        tenant: &TenantId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<Vec<Counters>>> {
        self.inner.tenant_stats(tenant, by, from).await
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Delivery>> {
        self.inner.deliveries(tenant, filter, cursor, limit).await
    }

    async fn rejected(
        &self,
        filter: &RejectedFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Rejected>> {
        self.inner.rejected(filter, cursor, limit).await
    }

    async fn take_rejected(&self, id: &str) -> Result<Option<Rejected>> {
        self.inner.take_rejected(id).await
    }

    async fn depth(&self, now: Millis) -> Result<Depth> {
        self.inner.depth(now).await
    }

    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
    }
}
