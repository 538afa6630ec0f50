//! Implements the interface of stores: each call becomes a job of the writer or a read.

use std::sync::PoisonError;

use async_trait::async_trait;
use bytes::Bytes;
use webhook_model::{
    Delivery, DeliveryId, Endpoint, EndpointId, Event, EventId, Millis, Owner, Rejected, TenantId,
};

use super::job::Tx;
use super::prune::PruneCutoff;
use super::replay::{self, Replay};
use super::rewind::Rewind;
use super::store::SqliteStore;
use super::{
    accept, claim, complete, endpoints, erase, events, lease, list, outcome_counts, plan, rejected,
    tenants,
};
use crate::unwritten::Recording;
use crate::{
    Acceptance, AcceptedEvent, Claim, ClaimRequest, CountedPart, Counters, Cursor, DeliveryFilter,
    Depth, DueEndpoint, EndpointStats, Erased, EventDetails, EventFilter, Interval, Leases,
    ListedEvent, Page, PlanBatch, PlanResult, Queries, Queue, RejectedFilter, ReplayBodies, Result,
    Tenants,
};

impl SqliteStore {
    /// Writes all counts, part by part.
    async fn write_all_counts(&self) -> Result<()> {
        let (_writing, parts) = self.unwritten.begin_writing(outcome_counts::PART).await;
        for part in parts {
            let counts = part.counts().clone();
            let write = move |tx: &mut Tx<'_>| outcome_counts::write(tx.sql, &counts);
            part.end(self.write(write).await)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Leases for SqliteStore {
    async fn acquire_lease(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()> {
        self.observe_time(now);
        let owner = owner.clone();
        self.write(move |tx| lease::acquire(tx, &owner, now, until))
            .await
    }

    async fn renew(&self, owner: &Owner, now: Millis, until: Millis) -> Result<()> {
        self.observe_time(now);
        let owner = owner.clone();
        self.write(move |tx| lease::renew(tx, &owner, until)).await
    }

    async fn release_lease(&self, owner: &Owner, now: Millis) -> Result<()> {
        self.observe_time(now);
        self.unwritten.report(self.write_counts().await);
        let owner = owner.clone();
        self.write(move |tx| lease::release(tx, &owner, now)).await
    }

    async fn recover(&self, owner: &Owner, now: Millis) -> Result<u64> {
        self.observe_time(now);
        let owner = owner.clone();
        self.write(move |tx| lease::recover(tx, &owner, now)).await
    }
}

#[async_trait]
impl Tenants for SqliteStore {
    async fn tenants(&self) -> Result<Vec<(TenantId, u64)>> {
        self.read(|view| tenants::tenants(view.sql)).await
    }

    async fn put_tenant(&self, tenant: &TenantId) -> Result<bool> {
        let tenant = tenant.clone();
        self.write(move |tx| tenants::put(tx.sql, &tenant)).await
    }

    async fn delete_tenant(&self, tenant: &TenantId) -> Result<bool> {
        let (tenant, mut deletion) = (tenant.clone(), tenants::Deletion::default());
        self.steps(move |tx| deletion.step(tx, &tenant)).await
    }

    async fn endpoints(&self, tenant: &TenantId) -> Result<Option<(u64, Vec<Endpoint>)>> {
        let tenant = tenant.clone();
        self.read(move |view| endpoints::endpoints(view.sql, &tenant))
            .await
    }

    async fn put_endpoint(&self, endpoint: &Endpoint, over: Option<u64>) -> Result<u64> {
        let endpoint = endpoint.clone();
        self.write(move |tx| endpoints::put(tx, &endpoint, over))
            .await
    }

    async fn delete_endpoint(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Millis,
    ) -> Result<bool> {
        self.observe_time(now);
        let (tenant, endpoint) = (tenant.clone(), endpoint.clone());
        let mut deletion = endpoints::Deletion::default();
        self.steps(move |tx| deletion.step(tx, &tenant, &endpoint, now))
            .await
    }
}

#[async_trait]
impl Queue for SqliteStore {
    async fn plan(&self, owner: &Owner, batch: PlanBatch, now: Millis) -> Result<PlanResult> {
        self.observe_time(now);
        let (owner, claim_return) = (owner.clone(), self.claim_return()?);
        let planned = self
            .write(move |tx| plan::plan(tx, &claim_return, &owner, &batch, now))
            .await?;
        Ok(planned.take())
    }

    async fn accept(
        &self,
        tenant: &TenantId,
        events: &[Event],
        now: Millis,
    ) -> Result<Vec<Acceptance>> {
        self.observe_time(now);
        let (tenant, events) = (tenant.clone(), events.to_vec());
        self.write(move |tx| accept::accept(tx, &tenant, &events, now))
            .await
    }

    async fn backlog(&self) -> Result<Vec<TenantId>> {
        Ok(self.shared.lock().backlog.tenants())
    }

    async fn begin_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        limit: usize,
    ) -> Result<Vec<AcceptedEvent>> {
        let (owner, tenant) = (owner.clone(), tenant.clone());
        self.write(move |tx| accept::begin(tx, &owner, &tenant, limit))
            .await
    }

    async fn end_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        untried: &[EventId],
    ) -> Result<()> {
        let (owner, tenant, untried) = (owner.clone(), tenant.clone(), untried.to_vec());
        self.write(move |tx| accept::end(tx, &owner, &tenant, &untried))
            .await
    }

    async fn discard_accepted(&self, tenant: &TenantId, event: &EventId, tries: u32) -> Result<()> {
        let (tenant, event) = (tenant.clone(), event.clone());
        self.write(move |tx| accept::discard(tx, &tenant, &event, tries))
            .await
    }

    async fn reject(&self, rejected: &[Rejected]) -> Result<()> {
        let rejected = rejected.to_vec();
        self.write(move |tx| rejected::reject(tx, &rejected)).await
    }

    async fn due(&self, now: Millis) -> Result<(Vec<DueEndpoint>, Option<Millis>)> {
        loop {
            let due = self.shared.lock().endpoint_queues.due(now);
            let unknown = match due {
                Ok(due) => return Ok(due),
                Err(unknown) => unknown,
            };
            self.between_transactions(move |sql, shared| {
                claim::look_ahead(sql, shared, &unknown, now)
            })
            .await?;
        }
    }

    async fn claim(
        &self,
        owner: &Owner,
        requests: &[ClaimRequest],
        now: Millis,
    ) -> Result<Vec<Claim>> {
        self.observe_time(now);
        let (owner, requests, claim_return) =
            (owner.clone(), requests.to_vec(), self.claim_return()?);
        let claims = self
            .between_transactions(move |sql, _| {
                claim::claim(sql, &claim_return, &owner, &requests, now)
            })
            .await?;
        Ok(claims.take())
    }

    async fn complete(
        &self,
        owner: &Owner,
        outcomes: &[crate::Outcome],
        now: Millis,
    ) -> Result<Vec<bool>> {
        self.observe_time(now);
        let (owner, copies) = (owner.clone(), outcomes.to_vec());
        let recordings = self
            .write(move |tx| complete::complete(tx, &owner, &copies, now))
            .await?;
        let recorded: Vec<_> = outcomes.iter().zip(recordings.iter().copied()).collect();
        self.unwritten.count(&recorded, now);
        Ok(recordings.into_iter().map(Recording::is_recorded).collect())
    }

    async fn write_counts(&self) -> Result<()> {
        self.write_all_counts().await
    }

    async fn rewind(&self, now: Millis) -> Result<u64> {
        self.shared.reset_time(now);
        let mut rewind = Rewind::default();
        self.steps(move |tx| rewind.step(tx, now)).await
    }

    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Event>> {
        let details = self.event_details(tenant, id).await?;
        Ok(details.map(|details| details.event))
    }

    async fn prune(&self, succeeded_before: Millis, dead_before: Millis) -> Result<bool> {
        let now = self.observe_time(succeeded_before.max(dead_before));
        let before = PruneCutoff {
            succeeded: succeeded_before,
            dead: dead_before,
            now,
        };
        let prune_cursor = self.prune_cursor.clone();
        self.write(move |tx| {
            // No code that can panic runs under this lock.
            prune_cursor
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .step(tx, before)
        })
        .await
    }

    async fn wait_for_work(&self) {
        self.shared.claims_returned.notified().await;
    }
}

#[async_trait]
impl Queries for SqliteStore {
    async fn event_details(&self, tenant: &TenantId, id: &EventId) -> Result<Option<EventDetails>> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |view| events::details(view, &tenant, &id))
            .await
    }

    async fn events(
        &self,
        tenant: &TenantId,
        filter: &EventFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<ListedEvent>> {
        let (tenant, filter, cursor) = (tenant.clone(), filter.clone(), cursor.cloned());
        self.read(move |view| events::list(view.sql, &tenant, &filter, cursor.as_ref(), limit))
            .await
    }

    async fn replay(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        bodies: ReplayBodies,
        now: Millis,
    ) -> Result<u64> {
        self.observe_time(now);
        let (tenant, filter, mut replay) = (tenant.clone(), filter.clone(), Replay::new(bodies));
        self.steps(move |tx| replay.step(tx, &tenant, &filter, now))
            .await
    }

    async fn delivery(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Delivery>> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |view| list::delivery(view, &tenant, &id))
            .await
    }

    async fn delivery_body(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Bytes>> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |view| list::body(view, &tenant, &id)).await
    }

    async fn count_replayable(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
    ) -> Result<CountedPart> {
        let (tenant, filter, cursor) = (tenant.clone(), filter.clone(), cursor.cloned());
        self.read(move |view| replay::count(view, &tenant, &filter, cursor.as_ref()))
            .await
    }

    async fn erase(&self, tenant: &TenantId, id: &str, now: Millis) -> Result<Option<Erased>> {
        self.observe_time(now);
        let (tenant, id) = (tenant.clone(), id.to_owned());
        self.write(move |tx| erase::by_id(tx, &tenant, &id, now))
            .await
    }

    async fn endpoint_stats(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<EndpointStats>> {
        let (tenant, endpoint) = (tenant.clone(), endpoint.clone());
        self.read(move |view| outcome_counts::stats(view, &tenant, &endpoint, by, from))
            .await
    }

    async fn tenant_stats(
        &self,
        tenant: &TenantId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<Vec<Counters>>> {
        let tenant = tenant.clone();
        self.read(move |view| outcome_counts::tenant_stats(view.sql, &tenant, by, from))
            .await
    }

    async fn deliveries(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Delivery>> {
        let (tenant, filter, cursor) = (tenant.clone(), filter.clone(), cursor.cloned());
        self.read(move |view| list::deliveries(view, &tenant, &filter, cursor.as_ref(), limit))
            .await
    }

    async fn rejected(
        &self,
        filter: &RejectedFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Rejected>> {
        let (filter, cursor) = (filter.clone(), cursor.cloned());
        self.read(move |view| rejected::list(view.sql, &filter, cursor.as_ref(), limit))
            .await
    }

    async fn take_rejected(&self, id: &str) -> Result<Option<Rejected>> {
        let id = id.to_owned();
        self.write(move |tx| rejected::take(tx, &id)).await
    }

    async fn depth(&self, now: Millis) -> Result<Depth> {
        Ok(self.shared.lock().depth(now))
    }

    async fn ping(&self) -> Result<()> {
        self.write(|tx| {
            tx.sql
                .prepare_cached("UPDATE counters SET pings = pings + 1")?
                .execute([])?;
            Ok(())
        })
        .await
    }
}
