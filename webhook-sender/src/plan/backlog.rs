//! Plans accepted events.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{RwLock, Semaphore};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::planner::Inner;
use super::{PlanError, Planner, rejected};
use webhook_model::{Backoff, Event, EventId, Owner, TenantId};
use webhook_store::AcceptedEvent;

/// The number of events of a tenant that are taken first, and the most that are taken at a time.
const FIRST_TAKEN: usize = 16;
const TAKEN: usize = 256;

/// The time for which events of a tenant are planned before those of another tenant.
const SLICE: Duration = Duration::from_millis(25);

/// The number of tenants whose programs run at a time.
const TENANTS_AT_A_TIME: usize = 8;

/// The interval at which the store is queried for tenants with accepted events, which other
/// processes may have left.
const QUERY_INTERVAL: Duration = Duration::from_secs(1);

/// Counters of a [`BacklogPlanner`].
#[derive(Debug, Default)]
pub struct BacklogStats {
    poison: AtomicU64,
}

impl BacklogStats {
    /// Returns the number of events that were rejected because their planning never ended.
    pub fn poison(&self) -> u64 {
        self.poison.load(Ordering::Relaxed)
    }
}

/// Plans accepted events in the order of their acceptance, for several tenants at a time.
///
/// A try of an event is counted in the store before its programs run. If they end the process, the
/// event is tried alone the next time, and rejected as `poison` after `max_tries` tries.
pub struct BacklogPlanner {
    shared: Arc<Shared>,
    running: JoinSet<()>,
    /// The tenants whose events are being planned, by their tasks.
    active: HashMap<Id, TenantId>,
    /// Active tenants with events that were accepted since their task began.
    again: HashSet<TenantId>,
}

struct Shared {
    planner: Arc<Inner>,
    max_tries: u32,
    permits: Semaphore,
    /// Written by the one that plans an event which was tried before; read by the others.
    exclusive: RwLock<()>,
    stats: Arc<BacklogStats>,
}

impl BacklogPlanner {
    /// Returns a planner of the events that `planner` accepts, and of those that other processes
    /// have left.
    pub fn new(planner: &Planner, max_tries: u32) -> Self {
        Self {
            shared: Arc::new(Shared {
                planner: planner.0.clone(),
                max_tries,
                permits: Semaphore::new(TENANTS_AT_A_TIME),
                exclusive: RwLock::default(),
                stats: Arc::default(),
            }),
            running: JoinSet::new(),
            active: HashMap::new(),
            again: HashSet::new(),
        }
    }

    pub fn stats(&self) -> Arc<BacklogStats> {
        self.shared.stats.clone()
    }

    /// Plans until `stop`, and then until the tasks in progress have ended.
    pub async fn run(mut self, stop: CancellationToken) {
        let shared = self.shared.clone();
        let mut queries = interval(QUERY_INTERVAL);
        queries.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                tenants = shared.planner.accepted.next() => self.start(tenants, &stop),
                _ = queries.tick() => self.query_store(&stop).await,
                Some(ended) = self.running.join_next_with_id() => self.ended(ended, &stop),
            }
        }
        while self.running.join_next().await.is_some() {}
    }

    /// Plans for the tenants that have accepted events in the store.
    async fn query_store(&mut self, stop: &CancellationToken) {
        let store = self.shared.planner.parts.store.clone();
        let Some(tenants) = stop.run_until_cancelled(store.backlog()).await else {
            return;
        };
        match tenants {
            Ok(tenants) => self.start(tenants, stop),
            Err(error) => tracing::debug!(%error, "cannot list the tenants with accepted events"),
        }
    }

    fn start(&mut self, tenants: impl IntoIterator<Item = TenantId>, stop: &CancellationToken) {
        for tenant in tenants {
            if self.active.values().any(|active| *active == tenant) {
                self.again.insert(tenant);
                continue;
            }
            let (shared, stop, planned) = (self.shared.clone(), stop.clone(), tenant.clone());
            let task = self
                .running
                .spawn(async move { shared.plan_tenant(&planned, &stop).await });
            self.active.insert(task.id(), tenant);
        }
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>, stop: &CancellationToken) {
        let (id, panicked) = match ended {
            Ok((id, ())) => (id, false),
            Err(error) => (error.id(), true),
        };
        let Some(tenant) = self.active.remove(&id) else {
            return;
        };
        // The try that panicked is counted already.
        if self.again.remove(&tenant) || panicked {
            self.start([tenant], stop);
        }
    }
}

impl Shared {
    /// Plans a tenant's accepted events until none are left, or another process plans them.
    async fn plan_tenant(&self, tenant: &TenantId, stop: &CancellationToken) {
        let (mut backoff, mut size) = (Backoff::default(), FIRST_TAKEN);
        while !stop.is_cancelled() {
            match self.plan_some(tenant, &mut size, stop).await {
                Ok(true) => backoff.reset(),
                Ok(false) | Err(PlanError::UnknownTenant(_)) => return,
                Err(error) => {
                    tracing::warn!(%tenant, %error, "accepted events wait to be planned");
                    stop.run_until_cancelled(sleep(backoff.next_wait())).await;
                }
            }
        }
    }

    /// Plans the oldest events of a tenant, for about one slice. Returns true if there may be more.
    ///
    /// The permit is acquired first, so that waiting events are neither in memory nor counted as
    /// tried.
    async fn plan_some(
        &self,
        tenant: &TenantId,
        size: &mut usize,
        stop: &CancellationToken,
    ) -> Result<bool, PlanError> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let together = self.exclusive.read().await;
        let owner = self.planner.parts.lease.owner();
        let taken = self.begin_planning(&owner, tenant, *size).await?;
        if taken.first().is_some_and(|first| first.tries > 0) {
            drop(together);
            return self.plan_alone(&owner, tenant, taken).await;
        }
        if taken.is_empty() {
            return Ok(false);
        }
        self.plan_slice(&owner, tenant, taken, size, stop).await?;
        Ok(true)
    }

    /// Plans an event whose planning began before and did not end. No other event is planned from
    /// the store meanwhile, so that if the process ends, only this event is counted for it.
    async fn plan_alone(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        taken: Vec<AcceptedEvent>,
    ) -> Result<bool, PlanError> {
        if let Some(poison) = taken.iter().find(|one| one.tries >= self.max_tries) {
            self.reject(tenant, poison).await?;
            return Ok(true);
        }
        let store = &self.planner.parts.store;
        // Waiting for the other events does not count as a try.
        let ids: Vec<EventId> = taken.into_iter().map(|one| one.event.id).collect();
        store.end_planning(owner, tenant, &ids).await?;
        let _alone = self.exclusive.write().await;
        let taken = self.begin_planning(owner, tenant, 1).await?;
        if taken.is_empty() {
            return Ok(false);
        }
        let no_stop = CancellationToken::new();
        self.plan_slice(owner, tenant, taken, &mut 1, &no_stop)
            .await?;
        Ok(true)
    }

    async fn begin_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        limit: usize,
    ) -> Result<Vec<AcceptedEvent>, PlanError> {
        let store = &self.planner.parts.store;
        Ok(store.begin_planning(owner, tenant, limit).await?)
    }

    /// Plans events for about one slice, and returns the others to the store. `size` becomes the
    /// number of events that fit into a slice.
    async fn plan_slice(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        taken: Vec<AcceptedEvent>,
        size: &mut usize,
        stop: &CancellationToken,
    ) -> Result<(), PlanError> {
        let events: Vec<Event> = taken.into_iter().map(|taken| taken.event).collect();
        let (began, mut left) = (Instant::now(), &events[..]);
        let planned = loop {
            if left.is_empty() || stop.is_cancelled() || began.elapsed() >= SLICE {
                break Ok(());
            }
            match self.planner.plan_first(tenant, left, true).await {
                Ok(planned) => {
                    let count = planned.map_or(left.len(), |planned| planned.len());
                    left = &left[count.clamp(1, left.len())..];
                }
                Err(error) => break Err(error),
            }
        };
        *size = if left.is_empty() {
            (*size * 2).min(TAKEN)
        } else {
            (events.len() - left.len()).max(1)
        };
        self.end_planning(owner, tenant, left, &planned).await?;
        planned
    }

    /// Ends the planning of the events that are left. The try counts only if programs may be the
    /// reason.
    async fn end_planning(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        left: &[Event],
        planned: &Result<(), PlanError>,
    ) -> Result<(), PlanError> {
        if left.is_empty() {
            return Ok(());
        }
        let untried: Vec<EventId> = match planned {
            Err(PlanError::Interrupted) => Vec::new(),
            _ => left.iter().map(|event| event.id.clone()).collect(),
        };
        let store = &self.planner.parts.store;
        Ok(store.end_planning(owner, tenant, &untried).await?)
    }

    async fn reject(&self, tenant: &TenantId, poison: &AcceptedEvent) -> Result<(), PlanError> {
        let (event, tries) = (&poison.event, poison.tries);
        tracing::error!(%tenant, event = %event.id, tries, "event rejected as poison");
        let parts = &self.planner.parts;
        let reason = format!("planning began {tries} times and never ended");
        let why = ("poison", reason);
        let rejected = rejected::of_accepted(tenant, event, why, parts.clock.now());
        parts.store.reject(std::slice::from_ref(&rejected)).await?;
        self.planner.publish_rejected(&rejected);
        let store = &parts.store;
        store.discard_accepted(tenant, &event.id, tries).await?;
        self.stats.poison.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
