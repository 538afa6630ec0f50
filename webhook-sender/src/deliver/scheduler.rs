//! Claims due deliveries from the store, as many as there are permits for, and starts their
//! attempts.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use webhook_model::Backoff;
use webhook_store::{Claim, ClaimRequest, StoreError};

use super::context::Context;
use super::permits::{EndpointKey, Permit, Permits, Refusal, Requester};
use super::{Settings, attempt};
use crate::registry::CompiledEndpoint;

/// The most deliveries claimed in one call: the first of them starts when the call has ended.
const MAX_CLAIM: usize = 512;

/// The least number of deliveries requested per endpoint, if it has permits: the call costs the
/// same.
const MIN_SHARE: usize = 16;

/// Consecutive endpoints without a permit that end the search, if others had one. The remaining
/// endpoints are first in the next round.
const MAX_REFUSED: usize = 64;

/// The longest sleep. It bounds the delay after a change of the clock, or after a wake signal that
/// another process did not send.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The wait for an endpoint that the registry does not know yet.
const UNKNOWN_ENDPOINT_WAIT: Duration = Duration::from_secs(1);

/// The wait for a lease that does not outlast an attempt.
const SHORT_LEASE_WAIT: Duration = Duration::from_millis(100);

struct Scheduler {
    context: Arc<Context>,
    /// Endpoints with something due, in rotation. The one with the oldest due delivery is first.
    waiting: VecDeque<EndpointKey>,
    /// The waits after failures of the store.
    backoff: Backoff,
    /// The time of the last query for due deliveries.
    checked_at: Instant,
}

/// Claims and starts due deliveries until `stop`.
pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut scheduler = Scheduler {
        context,
        waiting: VecDeque::new(),
        backoff: Backoff::default(),
        checked_at: Instant::now(),
    };
    while !stop.is_cancelled() {
        let sleep_until = match scheduler.round().await {
            Ok(until) => {
                scheduler.backoff.reset();
                until
            }
            Err(error) => Some(scheduler.failed(&error)),
        };
        if let Some(until) = sleep_until {
            stop.run_until_cancelled(scheduler.sleep(until)).await;
        }
    }
}

impl Scheduler {
    /// Claims and starts as many deliveries as there are permits for. If there are none, returns
    /// the moment until which there will be none.
    async fn round(&mut self) -> Result<Option<Instant>, StoreError> {
        let context = self.context.clone();
        // A periodic query finds deliveries for which no signal arrived.
        let long_ago = self.checked_at.elapsed() >= LONGEST_SLEEP;
        if context
            .concurrency
            .wake_signals
            .take_stale(context.clock.now())
            || long_ago
        {
            self.find_due().await?;
        }
        let (requests, permits, until) = self.requests().await;
        if requests.is_empty() {
            return Ok(Some(until));
        }
        let owner = context.lease.owner();
        let claimed = context
            .store
            .claim(&owner, &requests, context.clock.now())
            .await;
        let permits = self.assign(requests, permits, claimed.as_deref().unwrap_or_default());
        for (claim, permit) in claimed?.into_iter().zip(permits) {
            match permit {
                Some(permit) => attempt::start(&context, claim, &owner, permit),
                // The store has claimed more than was requested.
                None => attempt::return_excess(&context, &claim, &owner),
            }
        }
        Ok(None)
    }

    /// Queries the store for endpoints with due deliveries.
    async fn find_due(&mut self) -> Result<(), StoreError> {
        self.checked_at = Instant::now();
        let (mut due, next) = self.context.store.due(self.context.clock.now()).await?;
        due.sort_by_key(|due| due.at);
        for key in self.waiting.drain(..) {
            self.context.concurrency.nothing_due(&key);
        }
        self.waiting
            .extend(due.into_iter().map(|due| (due.tenant, due.endpoint)));
        if let Some(next) = next {
            self.context.concurrency.wake_signals.due_at(next);
        }
        Ok(())
    }

    /// Acquires permits for due deliveries. Returns a request for the permits of each endpoint, and
    /// the moment from which on more may be available even if no attempt ends.
    async fn requests(&mut self) -> (Vec<ClaimRequest>, Vec<Permits>, Instant) {
        let now = Instant::now();
        let settings = self.context.concurrency.settings();
        let share = (MAX_CLAIM / self.waiting.len().max(1)).max(MIN_SHARE);
        let (mut requests, mut granted) = (vec![], vec![]);
        let (mut left, mut until) = (MAX_CLAIM, now + LONGEST_SLEEP);
        if !self.waiting.is_empty() && self.context.concurrency.is_exhausted() {
            return (requests, granted, until);
        }
        let mut refused = 0;
        for _ in 0..self.waiting.len() {
            if left == 0 || (refused >= MAX_REFUSED && !requests.is_empty()) {
                break;
            }
            let Some(key) = self.waiting.pop_front() else {
                break;
            };
            let admission = match self.endpoint(&key).await {
                Some(compiled) => self.acquire(&compiled, share.min(left), &settings, now),
                None => Err(Refusal::After(now + UNKNOWN_ENDPOINT_WAIT)),
            };
            match admission {
                Ok(permits) => {
                    let limit = permits.count();
                    left -= limit;
                    refused = 0;
                    let (tenant, endpoint) = key;
                    requests.push(ClaimRequest {
                        tenant,
                        endpoint,
                        limit,
                    });
                    granted.push(permits);
                    continue;
                }
                Err(Refusal::After(moment)) => until = until.min(moment),
                Err(Refusal::Full | Refusal::Exhausted | Refusal::Closed) => {}
            }
            refused += 1;
            self.waiting.push_back(key);
        }
        (requests, granted, until)
    }

    /// Returns the endpoint, and loads its tenant if it is not known.
    async fn endpoint(&self, key: &EndpointKey) -> Option<Arc<CompiledEndpoint>> {
        let registry = &self.context.registry;
        if let Some(compiled) = registry.endpoint(&key.0, &key.1) {
            return Some(compiled);
        }
        if let Err(error) = registry.tenant(&key.0).await {
            let tenant = &key.0;
            self.context
                .observe(|| tracing::warn!(%tenant, %error, "cannot load the tenant's endpoints"));
        }
        registry.endpoint(&key.0, &key.1)
    }

    fn acquire(
        &self,
        compiled: &Arc<CompiledEndpoint>,
        most: usize,
        settings: &Settings,
        now: Instant,
    ) -> Result<Permits, Refusal> {
        let timeout = settings.timeout_of(&compiled.endpoint);
        let lease = &self.context.lease;
        if lease.covers(&lease.owner(), timeout) {
            let concurrency = &self.context.concurrency;
            Permits::acquire(concurrency, compiled, most, Requester::Scheduler)
        } else {
            Err(Refusal::After(now + SHORT_LEASE_WAIT))
        }
    }

    /// Returns a permit for each claim, and releases the others. `granted` has the permits of each
    /// request. An endpoint of which something was claimed is requested again, as more may be due.
    fn assign(
        &mut self,
        requests: Vec<ClaimRequest>,
        mut granted: Vec<Permits>,
        claims: &[Claim],
    ) -> Vec<Option<Permit>> {
        let endpoints = requests.iter().map(|it| (&it.tenant, &it.endpoint));
        let mut left: HashMap<_, _> = endpoints.zip(&mut granted).collect();
        let assigned = claims.iter().map(|claim| {
            let permits = left.get_mut(&(&claim.tenant, &claim.endpoint))?;
            permits.take()
        });
        let assigned = assigned.collect();
        for (request, unused) in requests.into_iter().zip(granted) {
            let claimed = unused.count() < request.limit;
            drop(unused);
            let key = (request.tenant, request.endpoint);
            if claimed {
                self.waiting.push_back(key);
            } else {
                self.context.concurrency.nothing_due(&key);
            }
        }
        assigned
    }

    /// Records a failure of the store. Returns the moment of the next try.
    fn failed(&mut self, error: &StoreError) -> Instant {
        self.context
            .observe(|| tracing::warn!(%error, "cannot claim due deliveries"));
        self.context.concurrency.wake_signals.queue_changed();
        Instant::now() + self.backoff.next_wait()
    }

    /// Sleeps until a wake signal, or until something is due.
    async fn sleep(&self, until: Instant) {
        let context = &self.context;
        let due_in = context
            .concurrency
            .wake_signals
            .soonest()
            .since(context.clock.now());
        let due = Instant::now() + due_in.min(LONGEST_SLEEP);
        tokio::select! {
            () = context.concurrency.wake_signals.wait() => {}
            () = context.store.wait_for_work() => context.concurrency.wake_signals.queue_changed(),
            () = sleep_until(until.min(due)) => {}
        }
    }
}
