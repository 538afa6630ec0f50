//! The store: sends each call to the writer or the reader, and waits for the result.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use webhook_model::{
    Delivery, DeliveryId, Endpoint, EndpointId, Event, EventId, Millis, Owner, Rejected, TenantId,
};

use super::checkpoint::{Gate, checkpoints};
use super::claim_guard::ClaimReturn;
use super::fault::unavailable;
use super::job::{Outcome, Step, Tx, job};
use super::open::{Opened, open};
use super::prune::{PruneCursor, PruneCutoff};
use super::queue::Shared;
use super::reader::{ReadJob, Reader, View};
use super::replay::Replay;
use super::rewind::Rewind;
use super::writer::{Command, Writer};
use super::{
    OpenError, accept, claim, complete, endpoints, lease, list, lookup, plan, rejected, sweep,
    tenants,
};
use crate::{
    Acceptance, AcceptedEvent, Claim, ClaimRequest, Cursor, DeliveryFilter, Depth, DueEndpoint,
    Leases, Page, PlanBatch, PlanResult, Queries, Queue, RejectedFilter, Result, StoreError,
    Tenants,
};

/// A store in one SQLite file. Dropping it closes the file.
pub struct SqliteStore {
    name: Arc<str>,
    shared: Arc<Shared>,
    prune_cursor: Arc<Mutex<PruneCursor>>,
    commands: Option<mpsc::UnboundedSender<Command>>,
    read_jobs: Option<mpsc::UnboundedSender<ReadJob>>,
    threads: Vec<JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens the store in `file`, which is created if it does not exist.
    ///
    /// # Errors
    ///
    /// An [`OpenError`] that names the file.
    pub fn open(file: &Path) -> std::result::Result<Self, OpenError> {
        let mut opened = open(file)?;
        let shared = Arc::new(Shared::default());
        let last_key =
            begin(&mut opened.writer, &shared).map_err(|fault| OpenError::of(file, &fault))?;
        let name: Arc<str> = format!("sqlite://{}", file.display()).into();
        Self::start(opened, shared, last_key, name).map_err(|error| OpenError::of(file, &*error))
    }

    fn start(
        opened: Opened,
        shared: Arc<Shared>,
        last_key: i64,
        name: Arc<str>,
    ) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let Opened {
            lock,
            writer: mut sql,
            reader,
            checkpointer,
        } = opened;
        let gate = Gate::default();
        let (checkpoints, copier) = checkpoints(&mut sql, checkpointer, gate.clone())?;
        let (commands, received) = mpsc::unbounded_channel();
        let (read_jobs, asked) = mpsc::unbounded_channel();
        let writer = Writer {
            sql,
            shared: shared.clone(),
            commands: received,
            last_key,
            checkpoints,
            name: name.to_string(),
            _lock: lock,
        };
        let reader = Reader {
            sql: reader,
            shared: shared.clone(),
            read_jobs: asked,
            gate,
        };
        Ok(Self {
            name,
            shared,
            prune_cursor: Arc::default(),
            commands: Some(commands),
            read_jobs: Some(read_jobs),
            threads: vec![
                thread("store-reader", move || reader.run())?,
                thread("store-copier", move || copier.run())?,
                thread("store-writer", move || writer.run())?,
            ],
        })
    }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

/// Finishes deletions that an earlier process left unfinished, and loads the queue. Returns the
/// last key in use.
fn begin(sql: &mut Connection, shared: &Shared) -> Outcome<i64> {
    let mut last_key = lookup::last_key(sql)?;
    let (tenants, endpoints) = sweep::unfinished(sql)?;
    let mut until_done = |step: &dyn Fn(&mut Tx<'_>) -> Outcome<bool>| -> Outcome<()> {
        let mut done = false;
        while !done {
            let transaction = sql.transaction()?;
            done = step(&mut Tx::new(&transaction, shared, &mut last_key))?;
            transaction.commit()?;
        }
        Ok(())
    };
    for tenant in tenants {
        until_done(&|tx| sweep::tenant(tx, tenant))?;
    }
    for endpoint in endpoints {
        until_done(&|tx| sweep::endpoint(tx, &endpoint))?;
    }
    lookup::load(sql, &mut shared.lock())?;
    Ok(last_key)
}

/// Ends the threads by closing their channels, and closes the file.
impl Drop for SqliteStore {
    fn drop(&mut self) {
        (self.commands, self.read_jobs) = (None, None);
        for thread in self.threads.drain(..) {
            // The panic of a thread is reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl SqliteStore {
    fn gone(&self) -> StoreError {
        unavailable(&self.name, &"closed after a failure")
    }

    fn observe_time(&self, now: Millis) -> Millis {
        self.shared.observe_time(now)
    }

    /// Returns the handle that returns claims whose caller stopped waiting.
    fn claim_return(&self) -> Result<ClaimReturn> {
        let commands = self.commands.as_ref().ok_or_else(|| self.gone())?;
        Ok(ClaimReturn {
            commands: commands.downgrade(),
            shared: self.shared.clone(),
        })
    }

    fn command(&self, command: Command) -> Result<()> {
        let commands = self.commands.as_ref().ok_or_else(|| self.gone())?;
        commands.send(command).map_err(|_| self.gone())
    }

    async fn steps<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Outcome<Step<T>> + Send + 'static,
    ) -> Result<T> {
        let (job, answer) = job(work);
        self.command(Command::Job(job))?;
        answer.await.unwrap_or_else(|_| Err(self.gone()))
    }

    async fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Tx<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        self.steps(move |tx| work(tx).map(Step::Done)).await
    }

    /// Runs `work` on the writer's thread between two transactions.
    async fn between_transactions<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Shared) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let (shared, name) = (self.shared.clone(), self.name.clone());
        self.command(Command::Now(Box::new(move |sql| {
            let _ = answer.send(work(sql, &shared).map_err(|fault| fault.of(&name)));
        })))?;
        answered.await.unwrap_or_else(|_| Err(self.gone()))
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&View<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let name = self.name.clone();
        let read_jobs = self.read_jobs.as_ref().ok_or_else(|| self.gone())?;
        let read_job: ReadJob = Box::new(move |view| {
            let _ = answer.send(view.in_snapshot(work).map_err(|fault| fault.of(&name)));
        });
        read_jobs.send(read_job).map_err(|_| self.gone())?;
        answered.await.unwrap_or_else(|_| Err(self.gone()))
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

    async fn discard_accepted(&self, tenant: &TenantId, event: &EventId) -> Result<()> {
        let (tenant, event) = (tenant.clone(), event.clone());
        self.write(move |tx| accept::discard(tx, &tenant, &event))
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
        let (owner, outcomes) = (owner.clone(), outcomes.to_vec());
        self.write(move |tx| complete::complete(tx, &owner, &outcomes, now))
            .await
    }

    async fn rewind(&self, now: Millis) -> Result<u64> {
        self.shared.set_back(now);
        let mut rewind = Rewind::default();
        self.steps(move |tx| rewind.step(tx, now)).await
    }

    async fn event(&self, tenant: &TenantId, id: &EventId) -> Result<Option<Event>> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |view| list::event(view.sql, &tenant, &id))
            .await
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
    async fn replay(&self, tenant: &TenantId, filter: &DeliveryFilter, now: Millis) -> Result<u64> {
        self.observe_time(now);
        let (tenant, filter, mut replay) = (tenant.clone(), filter.clone(), Replay::new());
        self.steps(move |tx| replay.step(tx, &tenant, &filter, now))
            .await
    }

    async fn delivery(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Delivery>> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |view| list::delivery(view, &tenant, &id))
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
