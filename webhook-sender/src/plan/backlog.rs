//! Plans the events that are accepted.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::planner::Inner;
use super::{PlanError, Planner, rejected};
use webhook_model::{Event, EventId, Owner, TenantId};
use webhook_store::AcceptedEvent;

/// The most events of a tenant that are taken at a time.
const TAKEN: usize = 256;

/// How many tenants' programs run at a time.
const TENANTS_AT_A_TIME: usize = 8;

/// How often the store is asked for tenants with accepted events: of processes that are gone.
const LOOK: Duration = Duration::from_secs(1);

/// Between tries of a tenant's events after a failure: from the first wait to the longest, doubling.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Counters of a [`BacklogPlanner`].
#[derive(Debug, Default)]
pub struct BacklogStats {
    poison: AtomicU64,
}

impl BacklogStats {
    /// Returns how many events were rejected because their planning never ended.
    pub fn poison(&self) -> u64 {
        self.poison.load(Ordering::Relaxed)
    }
}

/// Plans accepted events in the order of their acceptance, for several tenants at a time.
///
/// A try of an event is counted in the store before its programs run. If they end the process, the
/// event is tried alone the next time, and rejected as `poison` after so many tries.
pub struct BacklogPlanner {
    shared: Arc<Shared>,
    running: JoinSet<()>,
    /// The tenants whose events are being planned, by their tasks.
    active: HashMap<Id, TenantId>,
    /// Of those, the ones that have got more since.
    again: HashSet<TenantId>,
}

struct Shared {
    planner: Arc<Inner>,
    max_tries: u32,
    permits: Semaphore,
    stats: Arc<BacklogStats>,
}

impl BacklogPlanner {
    /// A planner of what `planner` accepts, and of what other processes have left.
    pub fn new(planner: &Planner, max_tries: u32) -> Self {
        Self {
            shared: Arc::new(Shared {
                planner: planner.0.clone(),
                max_tries,
                permits: Semaphore::new(TENANTS_AT_A_TIME),
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

    /// Plans until `stop`, and then until what is under way has ended.
    pub async fn run(mut self, stop: CancellationToken) {
        let shared = self.shared.clone();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                tenants = shared.planner.accepted.next() => self.start(tenants, &stop),
                _ = looks.tick() => self.look(&stop).await,
                Some(ended) = self.running.join_next_with_id() => self.ended(ended, &stop),
            }
        }
        while self.running.join_next().await.is_some() {}
    }

    async fn look(&mut self, stop: &CancellationToken) {
        match self.shared.planner.parts.store.backlog().await {
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
                .spawn(async move { shared.tenant(&planned, &stop).await });
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
        // The try that ended so is counted.
        if self.again.remove(&tenant) || panicked {
            self.start([tenant], stop);
        }
    }
}

impl Shared {
    /// Plans a tenant's accepted events until there are none, or another process plans them.
    async fn tenant(&self, tenant: &TenantId, stop: &CancellationToken) {
        let mut wait = FIRST_WAIT;
        while !stop.is_cancelled() {
            match self.some(tenant, stop).await {
                Ok(true) => wait = FIRST_WAIT,
                Ok(false) | Err(PlanError::UnknownTenant(_)) => return,
                Err(error) => {
                    tracing::warn!(%tenant, %error, "accepted events wait to be planned");
                    stop.run_until_cancelled(sleep(wait)).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// Plans the oldest events of a tenant. Returns whether there may be more.
    async fn some(&self, tenant: &TenantId, stop: &CancellationToken) -> Result<bool, PlanError> {
        let parts = &self.planner.parts;
        let owner = parts.lease.owner();
        let taken = parts.store.begin_planning(&owner, tenant, TAKEN).await?;
        if taken.is_empty() {
            return Ok(false);
        }
        if let [one] = &taken[..]
            && one.tries >= self.max_tries
        {
            self.reject(tenant, one).await?;
            return Ok(true);
        }
        let events: Vec<Event> = taken.into_iter().map(|taken| taken.event).collect();
        let mut left = &events[..];
        let planned = self.plan(tenant, &mut left, stop).await;
        self.end(&owner, tenant, left, &planned).await?;
        planned.map(|()| true)
    }

    /// Plans events one slice after the other; `left` is what is not planned.
    async fn plan(
        &self,
        tenant: &TenantId,
        left: &mut &[Event],
        stop: &CancellationToken,
    ) -> Result<(), PlanError> {
        while !left.is_empty() && !stop.is_cancelled() {
            // Nobody closes it.
            let _permit = self.permits.acquire().await;
            let planned = self.planner.plan_first(tenant, left, true).await?;
            let count = planned.map_or(left.len(), |planned| planned.len());
            *left = &left[count.clamp(1, left.len())..];
        }
        Ok(())
    }

    /// Ends the planning of what is left. A try counts where programs may be the reason.
    async fn end(
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
        parts.store.reject(&[rejected]).await?;
        parts.store.discard_accepted(tenant, &event.id).await?;
        self.stats.poison.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
