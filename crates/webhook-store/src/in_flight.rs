//! The tracker of this process's deliveries in flight, known and unknown.
//!
//! A call that plans or claims may have taken effect although its reply was lost. Its claims would
//! then stay in flight as long as this process renews its lease. The tracker therefore records every
//! claim that was returned to a caller, and after a call with an unknown outcome the difference is
//! returned to the queue (`return_lost_claims` of the stores).

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use webhook_model::{DeliveryId, Owner, TenantId};

use crate::unwritten::Recording;
use crate::{Fence, Outcome, StoreError};

#[derive(Default)]
pub(crate) struct InFlightTracker {
    /// Read-locked by calls that plan or claim, until their claims are recorded. Write-locked by
    /// the comparison, which must see all of them.
    gate: RwLock<()>,
    state: Mutex<State>,
}

/// Claims by tenant.
type HandedOut = HashMap<TenantId, HashMap<DeliveryId, Fence>>;

#[derive(Default)]
struct State {
    /// Claims that were returned to callers, by incarnation and tenant. An incarnation has an entry
    /// from its acquired lease until the loss of the lease is known.
    handed_out: HashMap<String, HandedOut>,
    /// Incarnations and tenants that may have more in flight than was returned to callers.
    uncertain: HashSet<(String, TenantId)>,
    /// Incarnations and tenants that become uncertain at the next renewal.
    suspected: HashSet<(String, TenantId)>,
}

/// A call in progress. If it is dropped before [`TrackedCall::finish`], its tenants are uncertain.
pub(crate) struct TrackedCall<'a> {
    in_flight: &'a InFlightTracker,
    incarnation: &'a str,
    tenants: Vec<TenantId>,
    _gate: RwLockReadGuard<'a, ()>,
}

impl InFlightTracker {
    /// Adds an incarnation that has acquired a lease.
    pub(crate) fn entered(&self, incarnation: &str) {
        self.state()
            .handed_out
            .entry(incarnation.to_owned())
            .or_default();
    }

    /// Tracks a call that claims deliveries of these tenants. Must precede the call.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] for an owner that is known to have no lease. An owner whose loss
    /// is not known yet may claim until its next renewal; recovery returns those claims.
    pub(crate) async fn track<'a>(
        &'a self,
        owner: &'a Owner,
        tenants: Vec<TenantId>,
    ) -> Result<TrackedCall<'a>, StoreError> {
        let gate = self.gate.read().await;
        if !self.state().handed_out.contains_key(&owner.incarnation) {
            return Err(StoreError::LeaseLost(owner.name.clone()));
        }
        Ok(TrackedCall {
            in_flight: self,
            incarnation: &owner.incarnation,
            tenants,
            _gate: gate,
        })
    }

    /// Removes deliveries that are no longer in flight under the claims of these outcomes. Returns each
    /// outcome with its recording from the view of this process.
    pub(crate) fn end_all<'a>(
        &self,
        incarnation: &str,
        outcomes: impl Iterator<Item = (&'a Outcome, Recording)>,
    ) -> Vec<(&'a Outcome, Recording)> {
        let mut state = self.state();
        let mut tenants = state.handed_out.get_mut(incarnation);
        let mut end = |(outcome, recording): (&'a Outcome, Recording)| {
            let was_in_flight = tenants.as_mut().is_some_and(|of| end(of, outcome));
            match was_in_flight {
                true => (outcome, recording.of_flight(outcome)),
                false => (outcome, recording),
            }
        };
        outcomes.map(&mut end).collect()
    }

    /// Removes an incarnation whose lease has ended.
    pub(crate) fn remove_owner(&self, incarnation: &str) {
        let mut state = self.state();
        state.handed_out.remove(incarnation);
        state.uncertain.retain(|(of, _)| of != incarnation);
        state.suspected.retain(|(of, _)| of != incarnation);
    }

    /// Returns the tenants that may have unknown deliveries in flight.
    pub(crate) fn uncertain(&self, incarnation: &str) -> Vec<TenantId> {
        let state = self.state();
        let of = |(of, tenant): &(String, TenantId)| (of == incarnation).then(|| tenant.clone());
        state.uncertain.iter().filter_map(of).collect()
    }

    /// Marks a tenant for which the client may have repeated a call.
    pub(crate) fn suspect(&self, incarnation: &str, tenant: &TenantId) {
        self.state()
            .suspected
            .insert((incarnation.into(), tenant.clone()));
    }

    /// Makes suspected tenants uncertain.
    pub(crate) fn promote_suspected(&self) {
        let mut state = self.state();
        let suspected = std::mem::take(&mut state.suspected);
        state.uncertain.extend(suspected);
    }

    /// Blocks calls that claim, and waits for those in progress.
    pub(crate) async fn block_calls(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().await
    }

    /// Returns each of `ids` with the claim that was returned to a caller, if any.
    pub(crate) fn claims(
        &self,
        incarnation: &str,
        tenant: &TenantId,
        ids: Vec<String>,
    ) -> Vec<(String, Option<Fence>)> {
        let state = self.state();
        let known = state
            .handed_out
            .get(incarnation)
            .and_then(|tenants| tenants.get(tenant));
        let claim = |id: &str| known?.get(&DeliveryId::parse(id).ok()?).copied();
        let with_claim = |id: String| (claim(&id), id);
        ids.into_iter()
            .map(with_claim)
            .map(|(claim, id)| (id, claim))
            .collect()
    }

    /// Marks a tenant as certain: all of its claims in flight were returned to callers.
    pub(crate) fn resolved(&self, incarnation: &str, tenant: &TenantId) {
        self.state()
            .uncertain
            .remove(&(incarnation.to_owned(), tenant.clone()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Removes the claim of an outcome. Returns whether it was in flight.
fn end(tenants: &mut HandedOut, outcome: &Outcome) -> bool {
    let Some(ids) = tenants.get_mut(&outcome.tenant) else {
        return false;
    };
    // It may have been claimed again before a repeated outcome got its reply.
    let was_in_flight = ids.get(&outcome.id) == Some(&outcome.fence);
    if was_in_flight {
        ids.remove(&outcome.id);
    }
    if ids.is_empty() {
        tenants.remove(&outcome.tenant);
    }
    was_in_flight
}

impl TrackedCall<'_> {
    /// Records the claims of a call that got its reply: these deliveries, under `fence`.
    pub(crate) fn finish<'b>(
        mut self,
        fence: Fence,
        taken: impl Iterator<Item = (&'b TenantId, &'b DeliveryId)>,
    ) {
        let mut state = self.in_flight.state();
        self.tenants.clear();
        // The lease may have been lost in the meantime.
        let Some(tenants) = state.handed_out.get_mut(self.incarnation) else {
            return;
        };
        for (tenant, id) in taken {
            match tenants.get_mut(tenant) {
                Some(ids) => ids.insert(id.clone(), fence),
                None => tenants
                    .entry(tenant.clone())
                    .or_default()
                    .insert(id.clone(), fence),
            };
        }
    }
}

impl Drop for TrackedCall<'_> {
    fn drop(&mut self) {
        if self.tenants.is_empty() {
            return;
        }
        let mut state = self.in_flight.state();
        for tenant in self.tenants.drain(..) {
            state
                .uncertain
                .insert((self.incarnation.to_owned(), tenant));
        }
    }
}
