//! The interface. Each operation has a file.

use async_trait::async_trait;
use bytes::Bytes;
use webhook_model::{
    Delivery, DeliveryId, Endpoint, EndpointId, Event, EventId, Millis, Owner, Rejected, TenantId,
};

use super::keys;
use super::store::RedisStore;
use crate::{
    Acceptance, AcceptedEvent, Claim, ClaimRequest, CountedPart, Counters, Cursor, DeliveryFilter,
    Depth, DueEndpoint, EndpointStats, Erased, EventDetails, EventFilter, Interval, Leases,
    ListedEvent, Outcome, Page, PlanBatch, PlanResult, Queries, Queue, RejectedFilter,
    ReplayBodies, Result, Tenants,
};

#[async_trait]
impl Leases for RedisStore {
    async fn acquire_lease(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()> {
        self.acquire_owner_lease(owner, now, until).await
    }

    async fn renew(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()> {
        self.renew_owner_lease(owner, now, until).await
    }

    async fn release_lease(&self, owner: &Owner, now: Millis) -> Result<()> {
        self.unwritten.report(self.write_counts().await);
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

    async fn write_counts(&self) -> Result<()> {
        self.write_all_counts().await
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
