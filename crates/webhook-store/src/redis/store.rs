//! The store: the state and functions that its operations share. Each operation has a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use redis::{Cmd, FromRedisValue, Value};
use redis_link::{Address, Link, Script};
use tokio::sync::Notify;
use webhook_model::{
    Delivery, DeliveryId, Endpoint, EndpointId, Event, EventId, Millis, Owner, Rejected, TenantId,
};

use super::keys::{self, TenantKeys};
use super::scores::Scores;
use super::wake::{Denials, Listener};
use crate::in_flight::InFlightTracker;
use crate::{
    Acceptance, AcceptedEvent, Claim, ClaimRequest, CountedPart, Counters, Cursor, DeliveryFilter,
    Depth, DueEndpoint, EndpointStats, Erased, EventDetails, EventFilter, Interval, Leases,
    ListedEvent, Outcome, Page, PlanBatch, PlanResult, Queries, Queue, RejectedFilter,
    ReplayBodies, Result, StoreError, Tenants,
};

/// The timeout of a reply, longer than the delay that a busy disk causes.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of deliveries in one script call, so that other clients do not wait for long.
pub(super) const AT_A_TIME: usize = 512;

/// The maximum number of concurrent calls, where there is one for each tenant.
const CALLS_AT_A_TIME: usize = 128;

/// A store in one Redis or Valkey, which any number of processes share.
pub struct RedisStore {
    pub(super) link: Arc<Link>,
    pub(super) in_flight: InFlightTracker,
    pub(super) delivery_scores: Scores,
    pub(super) event_scores: Scores,
    /// True if a hint may be missing because its write failed.
    pub(super) hints_missing: AtomicBool,
    /// True if the server's eviction policy was checked.
    pub(super) eviction_checked: AtomicBool,
    /// The payload of wakes that this process publishes.
    pub(super) mark: String,
    /// Notified when another process has made a delivery due.
    pub(super) wakes: Arc<Notify>,
    denials: Arc<Denials>,
    _listener: Listener,
}

impl RedisStore {
    /// Returns the store at `address`. It connects at the first call, and again after a lost connection.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, because it starts a task that listens for the wakes of other
    /// processes.
    pub fn new(address: Address) -> Self {
        let link = Arc::new(Link::new(address, RESPONSE_TIMEOUT));
        let wakes = Arc::new(Notify::new());
        let denials = Arc::new(Denials::default());
        let mark = hex::encode(rand::random::<[u8; 8]>());
        Self {
            in_flight: InFlightTracker::default(),
            delivery_scores: Scores::default(),
            event_scores: Scores::default(),
            hints_missing: AtomicBool::new(false),
            eviction_checked: AtomicBool::new(false),
            _listener: Listener::start(link.clone(), wakes.clone(), mark.clone(), denials.clone()),
            denials,
            link,
            mark,
            wakes,
        }
    }

    /// Sends a command, and converts its reply.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let answer = self.link.query(command).await;
        self.read(answer.map_err(|error| self.failed(error))?)
    }

    /// Runs a script, and converts its reply.
    pub(super) async fn run<T: FromRedisValue>(&self, script: &Script, call: &Cmd) -> Result<T> {
        let answer = self.link.run(script, call).await;
        self.read(answer.map_err(|error| self.failed(error))?)
    }

    fn read<T: FromRedisValue>(&self, answer: Value) -> Result<T> {
        redis::from_redis_value(answer).map_err(|error| self.failed(error))
    }

    /// Returns the error of a call that failed with `detail`.
    pub(super) fn failed(&self, detail: impl std::fmt::Display) -> StoreError {
        StoreError::Unavailable {
            store: self.link.address().to_string(),
            detail: detail.to_string(),
        }
    }

    /// Writes the hint that a tenant has a delivery due at `lowered`, and wakes other processes.
    /// Does nothing if `lowered` is empty.
    ///
    /// A failure is not returned: `hints_missing` causes the next call of `due` to restore the hint.
    pub(super) async fn publish_wake(&self, tenant: &TenantId, lowered: &str) {
        if lowered.is_empty() {
            return;
        }
        let mut hint = redis::cmd("ZADD");
        hint.arg(keys::hints())
            .arg("LT")
            .arg(lowered)
            .arg(tenant.as_str());
        let mut wake = redis::cmd("PUBLISH");
        wake.arg(keys::wake()).arg(&self.mark);
        let told = futures::join!(self.link.query(&hint), self.link.query(&wake));
        if let (Err(error), _) | (_, Err(error)) = &told {
            self.denials.report(error);
            tracing::debug!(%tenant, %error, "publishing a wake failed");
            self.hints_missing.store(true, Ordering::SeqCst);
        }
    }
}

/// Runs calls concurrently. Returns their results in order, or the first error.
pub(super) async fn all<T>(calls: Vec<impl Future<Output = Result<T>>>) -> Result<Vec<T>> {
    stream::iter(calls)
        .buffered(CALLS_AT_A_TIME)
        .try_collect()
        .await
}

/// Returns a time in the form in which the scripts write it into records.
pub(super) fn stamp(at: Millis) -> [u8; 8] {
    at.0.to_be_bytes()
}

/// Returns a call of a tenant's script.
pub(super) fn tenant_call(script: &Script, tenant: &TenantId) -> Cmd {
    script.call(&TenantKeys::of(tenant).root())
}

/// Returns a call of a script over the shared keys.
pub(super) fn shared_call(script: &Script) -> Cmd {
    script.call(keys::tenants().as_bytes())
}

#[async_trait]
impl Leases for RedisStore {
    async fn acquire_lease(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()> {
        self.acquire_owner_lease(owner, now, until).await
    }

    async fn renew(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()> {
        self.renew_owner_lease(owner, now, until).await
    }

    async fn release_lease(&self, owner: &Owner, now: Millis) -> Result<()> {
        self.release_owner_lease(owner, now).await
    }

    async fn recover(&self, owner: &Owner, now: Millis) -> Result<u64> {
        self.recover_all(owner, now).await
    }

    async fn time(&self) -> Result<Option<Millis>> {
        self.server_time().await.map(Some)
    }
}

#[async_trait]
impl Tenants for RedisStore {
    async fn tenants(&self) -> Result<Vec<(TenantId, u64)>> {
        self.listed_tenants().await
    }

    async fn put_tenant(&self, tenant: &TenantId) -> Result<bool> {
        self.create_tenant(tenant).await
    }

    async fn delete_tenant(&self, tenant: &TenantId) -> Result<bool> {
        self.remove_tenant(tenant).await
    }

    async fn endpoints(&self, tenant: &TenantId) -> Result<Option<(u64, Vec<Endpoint>)>> {
        self.endpoints_of(tenant).await
    }

    async fn put_endpoint(&self, endpoint: &Endpoint, over: Option<u64>) -> Result<u64> {
        self.write_endpoint(endpoint, over).await
    }

    async fn delete_endpoint(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Millis,
    ) -> Result<bool> {
        self.remove_endpoint(tenant, endpoint, now).await
    }

    async fn identity(&self) -> Result<Option<String>> {
        self.content_identity().await
    }

    async fn identify(&self) -> Result<()> {
        self.identify_content().await
    }

    async fn disown(&self, identity: &str) -> Result<()> {
        self.disown_content(identity).await
    }
}

#[async_trait]
impl Queue for RedisStore {
    async fn plan(&self, owner: &Owner, batch: PlanBatch, now: Millis) -> Result<PlanResult> {
        self.plan_batch(owner, batch, now).await
    }

    async fn accept(
        &self,
        tenant: &TenantId,
        events: &[Event],
        now: Millis,
    ) -> Result<Vec<Acceptance>> {
        self.accept_events(tenant, events, now).await
    }

    async fn backlog(&self) -> Result<Vec<TenantId>> {
        self.tenants_with_backlog().await
    }

    async fn begin_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        limit: usize,
    ) -> Result<Vec<AcceptedEvent>> {
        self.take_accepted(owner, tenant, limit).await
    }

    async fn end_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        untried: &[EventId],
    ) -> Result<()> {
        self.end_planning_of(owner, tenant, untried).await
    }

    async fn discard_accepted(&self, tenant: &TenantId, event: &EventId, tries: u32) -> Result<()> {
        self.remove_accepted(tenant, event, tries).await
    }

    async fn reject(&self, rejected: &[Rejected]) -> Result<()> {
        self.keep_rejected(rejected).await
    }

    async fn due(&self, now: Millis) -> Result<(Vec<DueEndpoint>, Option<Millis>)> {
        self.due_endpoints(now).await
    }

    async fn claim(
        &self,
        owner: &Owner,
        requests: &[ClaimRequest],
        now: Millis,
    ) -> Result<Vec<Claim>> {
        self.claim_due(owner, requests, now).await
    }

    async fn complete(
        &self,
        owner: &Owner,
        outcomes: &[Outcome],
        now: Millis,
    ) -> Result<Vec<bool>> {
        self.record_outcomes(owner, outcomes, now).await
    }

    async fn rewind(&self, now: Millis) -> Result<u64> {
        self.rewind_all(now).await
    }

    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Event>> {
        Ok(self
            .find_event(tenant, id)
            .await?
            .map(|stored| stored.event))
    }

    async fn prune(&self, succeeded_before: Millis, dead_before: Millis) -> Result<bool> {
        self.prune_ended(succeeded_before, dead_before).await
    }

    async fn wait_for_work(&self) {
        self.wakes.notified().await;
    }
}

#[async_trait]
impl Queries for RedisStore {
    async fn event_details(&self, tenant: &TenantId, id: &EventId) -> Result<Option<EventDetails>> {
        self.find_event_details(tenant, id).await
    }

    async fn events(
        &self,
        tenant: &TenantId,
        filter: &EventFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<ListedEvent>> {
        self.list_events(tenant, filter, cursor, limit).await
    }

    async fn replay(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        bodies: ReplayBodies,
        now: Millis,
    ) -> Result<u64> {
        self.replay_selected(tenant, filter, bodies, now).await
    }

    async fn delivery(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Delivery>> {
        self.find_delivery(tenant, id).await
    }

    async fn delivery_body(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Bytes>> {
        self.find_body(tenant, id).await
    }

    async fn count_replayable(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
    ) -> Result<CountedPart> {
        self.count_replayable_of(tenant, filter, cursor).await
    }

    async fn erase(&self, tenant: &TenantId, id: &str, now: Millis) -> Result<Option<Erased>> {
        self.erase_by_id(tenant, id, now).await
    }

    async fn endpoint_stats(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<EndpointStats>> {
        self.stats_of(tenant, endpoint, by, from).await
    }

    async fn tenant_stats(
        &self,
        tenant: &TenantId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<Vec<Counters>>> {
        self.sums_of(tenant, by, from).await
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Delivery>> {
        self.list_deliveries(tenant, filter, cursor, limit).await
    }

    async fn rejected(
        &self,
        filter: &RejectedFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Rejected>> {
        self.list_rejected(filter, cursor, limit).await
    }

    async fn take_rejected(&self, id: &str) -> Result<Option<Rejected>> {
        self.take_rejected_event(id).await
    }

    async fn depth(&self, now: Millis) -> Result<Depth> {
        self.count_waiting(now).await
    }

    async fn ping(&self) -> Result<()> {
        let mut command = redis::cmd("SET");
        command.arg(keys::ping()).arg("1");
        self.query(&command).await
    }
}
