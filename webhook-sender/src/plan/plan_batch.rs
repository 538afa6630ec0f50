//! Plans a batch of one tenant's events: renders their deliveries, reserves permits for those that can
//! start immediately, and stores everything in one step. Repeats this if the tenant's endpoints change
//! meanwhile.

use std::sync::Arc;

use webhook_model::{DeliveryId, Event, Owner, TenantId};
use webhook_store::{Fence, InitialState, NewDelivery, PlanBatch, PlanResult, Planned, StoreError};

use super::error::PlanError;
use super::planner::{Inner, Parts, TRIES};
use super::reservations::Reservations;
use super::uncertain_claims::UncertainClaims;
use super::work;
use crate::registry::Tenant;

impl Inner {
    /// Plans the first of `events`, at least one, and returns one result for each of them. Returns
    /// `None` for new events that must be accepted instead, because their programs may take long or
    /// the tenant has accepted events.
    pub(super) async fn plan_first(
        &self,
        id: &TenantId,
        events: &[Event],
        accepted: bool,
    ) -> Result<Option<Vec<Planned>>, PlanError> {
        let registry = &self.parts.registry;
        let mut tenant = registry.tenant(id).await?;
        let mut claiming = true;
        for _ in 0..TRIES {
            let Some(known) = tenant else {
                return Err(PlanError::UnknownTenant(id.clone()));
            };
            let takes_long = work::may_take_long(&known, events);
            if takes_long && !accepted {
                return Ok(None);
            }
            let batch = Batch {
                events,
                takes_long,
                accepted,
                claiming,
            };
            match self.try_batch(id, &known, batch).await? {
                Ended::Done(planned) => {
                    self.publish_planned(id, events, &planned);
                    return Ok(Some(planned));
                }
                Ended::Backlog => return Ok(None),
                Ended::Stale => tenant = registry.reload(id).await?,
                Ended::LeaseLost => (tenant, claiming) = (Some(known), false),
            }
        }
        Err(PlanError::Unsettled(id.clone()))
    }

    async fn try_batch(
        &self,
        id: &TenantId,
        tenant: &Arc<Tenant>,
        batch: Batch<'_>,
    ) -> Result<Ended, PlanError> {
        let Batch {
            events,
            takes_long,
            accepted,
            claiming,
        } = batch;
        let Parts {
            store,
            registry,
            dispatch_port,
            lease,
            clock,
        } = &self.parts;
        let now = clock.now();
        let budget = registry.budget(id);
        let mut events = work::deliveries(id, tenant, events, takes_long, budget, now).await?;
        let mut reservations = Reservations::none(dispatch_port, id, Fence::new(now));
        if claiming {
            reservations.reserve(&mut events, now);
        }
        let due = events
            .iter()
            .flat_map(|event| &event.deliveries)
            .any(is_due);
        let owner = lease.owner();
        let batch = PlanBatch {
            tenant: id.clone(),
            version: tenant.version,
            fence: reservations.fence(),
            events,
            accepted,
        };
        match store.plan(&owner, batch, now).await {
            Ok(PlanResult::Done(planned)) => {
                reservations.start(&owner, claimed(&planned));
                let turned_due = !reservations.is_empty();
                drop(reservations);
                if due || turned_due {
                    dispatch_port.wake();
                }
                Ok(Ended::Done(planned))
            }
            Ok(PlanResult::Stale) | Err(StoreError::UnknownTenant(_)) => Ok(Ended::Stale),
            Ok(PlanResult::Backlog) => Ok(Ended::Backlog),
            Err(StoreError::LeaseLost(_)) if claiming => Ok(Ended::LeaseLost),
            Err(error) => {
                self.release_uncertain(id, owner, &reservations);
                Err(error.into())
            }
        }
    }

    /// Releases deliveries in the background that may be claimed and would not be attempted.
    fn release_uncertain(&self, tenant: &TenantId, owner: Arc<Owner>, reservations: &Reservations) {
        if !reservations.is_empty() {
            let uncertain = UncertainClaims {
                tenant: tenant.clone(),
                owner,
                fence: reservations.fence(),
                deliveries: reservations.deliveries(),
            };
            let Parts {
                store,
                dispatch_port,
                clock,
                ..
            } = self.parts.clone();
            tokio::spawn(uncertain.release(store, dispatch_port, clock));
        }
    }
}

/// One try of planning events.
struct Batch<'a> {
    events: &'a [Event],
    /// Set if their programs may take long.
    takes_long: bool,
    /// Set if they were accepted before.
    accepted: bool,
    /// Set if deliveries may start immediately.
    claiming: bool,
}

/// The result of one try of planning a batch.
enum Ended {
    Done(Vec<Planned>),
    /// The tenant has accepted events, which must be planned first.
    Backlog,
    /// The tenant or its endpoints have changed since they were loaded.
    Stale,
    /// This process cannot claim at present.
    LeaseLost,
}

fn is_due(delivery: &NewDelivery) -> bool {
    matches!(delivery.start, InitialState::Due(_))
}

fn claimed(planned: &[Planned]) -> Vec<DeliveryId> {
    let claimed = |planned: &Planned| match planned {
        Planned::New { claimed } => claimed.clone(),
        Planned::Known | Planned::Conflict => Vec::new(),
    };
    planned.iter().flat_map(claimed).collect()
}
