//! Makes events and their deliveries durable.
//!
//! If the tenant's programs are quick and the tenant has no accepted events, an event and its
//! deliveries are stored in one write. Otherwise the event is accepted, and planned from the store:
//! see [`BacklogPlanner`](super::BacklogPlanner).

use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::oneshot;
use webhook_model::{Clock, Event, TenantId};
use webhook_store::{Lease, Queue, StoreError};

use super::batches::{by_tenant, split};
use super::dispatch_port::DispatchPort;
use super::error::PlanError;
use super::kept::{Kept, Submitted, submitted};
use super::signals::TenantSignals;
use super::waiting::{Waiting, WaitingEvents};
use crate::feed::Feed;
use crate::registry::Registry;

/// The number of changes of the endpoints during one batch after which planning fails.
pub(super) const TRIES: usize = 8;

/// The fewest tries of an event that can be poison: one more than the first. Each try is counted
/// before it is made.
const POISON_TRIES: u32 = 2;

/// The dependencies of a planner.
#[derive(Clone)]
pub struct Parts {
    pub store: Arc<dyn Queue>,
    pub registry: Arc<Registry>,
    pub dispatch_port: Arc<dyn DispatchPort>,
    pub lease: Arc<Lease>,
    pub clock: Clock,
}

/// Plans the deliveries of events. Cheap to clone.
#[derive(Clone)]
pub struct Planner(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) parts: Parts,
    /// Tenants for which events were accepted.
    pub(super) accepted: TenantSignals,
    waiting: WaitingEvents,
    pub(super) feed: Feed,
}

impl Planner {
    pub fn new(parts: Parts) -> Self {
        Self::with_feed(parts, Feed::default())
    }

    /// Returns a planner that publishes what happens to events.
    pub fn with_feed(parts: Parts, feed: Feed) -> Self {
        Self(Arc::new(Inner {
            parts,
            accepted: TenantSignals::default(),
            waiting: WaitingEvents::default(),
            feed,
        }))
    }

    /// Stores one event, together with others of its tenant that wait at the same time. The event
    /// is durable when this returns. Dropping the future does not cancel it.
    ///
    /// # Errors
    ///
    /// A [`PlanError`].
    pub async fn submit(&self, tenant: &TenantId, event: Event) -> Result<Submitted, PlanError> {
        let (reply, received) = oneshot::channel();
        let waiting = Waiting {
            event: event.clone(),
            reply,
        };
        if self.0.waiting.add(tenant, waiting) {
            tokio::spawn(self.0.clone().drain(tenant.clone()));
        }
        match received.await {
            Ok(submitted) => submitted,
            // Planning panicked. The event is accepted instead, so that its tries are counted.
            Err(_) => self.accept_one(tenant, event).await,
        }
    }

    /// Stores a rejected event again, perhaps corrected, like [`submit`](Self::submit).
    ///
    /// A poison event is removed from the accepted ones only after it is kept as rejected. If that is
    /// still to be done, it is done here: the planner would reject the event again, or remove it
    /// although it was just submitted.
    ///
    /// # Errors
    ///
    /// A [`PlanError`].
    pub async fn resubmit(&self, tenant: &TenantId, event: Event) -> Result<Submitted, PlanError> {
        let store = &self.0.parts.store;
        store
            .discard_accepted(tenant, &event.id, POISON_TRIES)
            .await?;
        self.submit(tenant, event).await
    }

    async fn accept_one(&self, tenant: &TenantId, event: Event) -> Result<Submitted, PlanError> {
        let accepted = self.accept(vec![(tenant.clone(), event)]).await.pop();
        accepted.unwrap_or(Err(PlanError::Interrupted))
    }

    /// Stores events of any tenants, and returns one result for each, in their order. The events of
    /// one tenant keep their order. Dropping the future does not cancel it.
    pub async fn plan(&self, events: Vec<(TenantId, Event)>) -> Vec<Result<Submitted, PlanError>> {
        self.keep(events, Keeping::Planned).await
    }

    /// Accepts events of any tenants without running a program, for events that may have ended a
    /// process before. Returns the same as [`plan`](Self::plan).
    pub async fn accept(
        &self,
        events: Vec<(TenantId, Event)>,
    ) -> Vec<Result<Submitted, PlanError>> {
        self.keep(events, Keeping::Accepted).await
    }

    async fn keep(
        &self,
        events: Vec<(TenantId, Event)>,
        keeping: Keeping,
    ) -> Vec<Result<Submitted, PlanError>> {
        let count = events.len();
        let plans = by_tenant(events)
            .into_iter()
            .map(async |(tenant, (indices, events))| {
                // A separate task, so that dropping the future does not cancel it half-way.
                let inner = self.0.clone();
                let task =
                    tokio::spawn(async move { inner.batches(&tenant, events, keeping).await });
                match task.await {
                    Ok(ended) => indices.into_iter().zip(ended).collect::<Vec<_>>(),
                    Err(_) => indices
                        .into_iter()
                        .map(|i| (i, Err(PlanError::Interrupted)))
                        .collect(),
                }
            });
        let mut results: Vec<_> = join_all(plans).await.into_iter().flatten().collect();
        debug_assert_eq!(results.len(), count, "one result for each event");
        results.sort_unstable_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

impl Inner {
    async fn drain(self: Arc<Self>, tenant: TenantId) {
        let task = self.waiting.task(&tenant);
        while let Some(waiting) = task.take() {
            let (events, replies): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .map(|one| (one.event, one.reply))
                .unzip();
            let ended = self.batches(&tenant, events, Keeping::Planned).await;
            for (reply, ended) in replies.into_iter().zip(ended) {
                // The caller may have stopped waiting.
                let _ = reply.send(ended);
            }
        }
    }

    /// Stores events of one tenant, in batches of a bounded size. Events after a failed batch are
    /// not stored before it.
    async fn batches(
        &self,
        tenant: &TenantId,
        events: Vec<Event>,
        keeping: Keeping,
    ) -> Vec<Result<Submitted, PlanError>> {
        let mut results = Vec::with_capacity(events.len());
        let mut failed = None;
        for batch in split(events) {
            let mut left = &batch[..];
            while !left.is_empty() {
                let ended = match &failed {
                    Some(error) => Err(PlanError::clone(error)),
                    None => self.batch(tenant, left, keeping).await,
                };
                match ended {
                    Ok(planned) => {
                        let (done, rest) = left.split_at(planned.len().min(left.len()));
                        results.extend(done.iter().zip(planned).map(submitted));
                        left = rest;
                    }
                    Err(error) => {
                        results.extend(left.iter().map(|_| Err(error.clone())));
                        failed = Some(error);
                        left = &[];
                    }
                }
            }
        }
        results
    }

    /// Stores the first of `events`, at least one, and returns one result for each of them.
    async fn batch(
        &self,
        id: &TenantId,
        events: &[Event],
        keeping: Keeping,
    ) -> Result<Vec<Kept>, PlanError> {
        let planned = match keeping {
            Keeping::Planned => self.plan_first(id, events, false).await?,
            Keeping::Accepted => None,
        };
        match planned {
            Some(planned) => Ok(planned.iter().map(Kept::from).collect()),
            None => self.accept(id, events).await,
        }
    }

    async fn accept(&self, id: &TenantId, events: &[Event]) -> Result<Vec<Kept>, PlanError> {
        let Parts {
            store,
            registry,
            clock,
            ..
        } = &self.parts;
        for _ in 0..TRIES {
            match store.accept(id, events, clock.now()).await {
                Ok(accepted) => {
                    self.accepted.notify(id);
                    self.publish_accepted(id, events, &accepted);
                    return Ok(accepted.into_iter().map(Kept::from).collect());
                }
                // A store that has lost its content is restored first: that is an error here.
                Err(StoreError::UnknownTenant(_)) => {
                    if registry.reload(id).await?.is_none() {
                        return Err(PlanError::UnknownTenant(id.clone()));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(PlanError::Unsettled(id.clone()))
    }
}

/// The way in which new events are stored: planned if that is quick, or always accepted.
#[derive(Clone, Copy)]
enum Keeping {
    Planned,
    Accepted,
}
