//! What this process knows it has in flight, and what it may have without knowing.
//!
//! A call that plans or claims may have been carried out although its answer was lost. What it took
//! into flight would then stay there as long as this process renews its lease. So every delivery
//! that was handed out is remembered, and after a call whose outcome is not known the difference is
//! given back (`RedisStore::settle`).

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use webhook_model::{DeliveryId, Owner, TenantId};

use crate::{Fence, StoreError};

#[derive(Default)]
pub(super) struct InFlightTracker {
    /// Read by calls that plan or claim, until what they took is remembered; written by the one
    /// that compares, which has to see all of it.
    gate: RwLock<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By incarnation and tenant. Incarnations that have entered and have not lost their lease, as
    /// far as is known, have an entry.
    handed_out: HashMap<String, HashMap<TenantId, HashMap<DeliveryId, Fence>>>,
    /// Where more may be in flight than was handed out.
    uncertain: HashSet<(String, TenantId)>,
    /// The same, but to be looked at with the next renewal only.
    suspected: HashSet<(String, TenantId)>,
}

/// A call under way. Where it ends without having said what it took, its tenant is doubtful.
pub(super) struct TrackedCall<'a> {
    in_flight: &'a InFlightTracker,
    incarnation: &'a str,
    tenants: Vec<TenantId>,
    _gate: RwLockReadGuard<'a, ()>,
}

impl InFlightTracker {
    /// Remembers an incarnation that has entered.
    pub(super) fn entered(&self, incarnation: &str) {
        self.state()
            .handed_out
            .entry(incarnation.to_owned())
            .or_default();
    }

    /// To be had before a call that takes deliveries of these tenants into flight.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] for an owner that is known to have no lease. One that has lost it
    /// without knowing may go on until its next renewal; what it takes is found and given to others.
    pub(super) async fn track<'a>(
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

    /// Forgets deliveries that are no longer in flight under these claims.
    pub(super) fn remove_all<'a>(
        &self,
        incarnation: &str,
        ended: impl Iterator<Item = (&'a TenantId, &'a DeliveryId, Fence)>,
    ) {
        let mut state = self.state();
        let Some(tenants) = state.handed_out.get_mut(incarnation) else {
            return;
        };
        for (tenant, id, fence) in ended {
            if let Some(ids) = tenants.get_mut(tenant) {
                // It may have been claimed again before the repetition of an outcome was answered.
                if ids.get(id) == Some(&fence) {
                    ids.remove(id);
                }
                if ids.is_empty() {
                    tenants.remove(tenant);
                }
            }
        }
    }

    /// Forgets an incarnation, whose lease is over.
    pub(super) fn remove_owner(&self, incarnation: &str) {
        let mut state = self.state();
        state.handed_out.remove(incarnation);
        state.uncertain.retain(|(of, _)| of != incarnation);
        state.suspected.retain(|(of, _)| of != incarnation);
    }

    /// Tenants to look at for what is in flight and was not handed out.
    pub(super) fn uncertain(&self, incarnation: &str) -> Vec<TenantId> {
        let state = self.state();
        let of = |(of, tenant): &(String, TenantId)| (of == incarnation).then(|| tenant.clone());
        state.uncertain.iter().filter_map(of).collect()
    }

    /// Marks a tenant where the client may have repeated a call by itself.
    pub(super) fn suspect(&self, incarnation: &str, tenant: &TenantId) {
        self.state()
            .suspected
            .insert((incarnation.into(), tenant.clone()));
    }

    /// Makes what was suspected doubtful.
    pub(super) fn promote_suspected(&self) {
        let mut state = self.state();
        let suspected = std::mem::take(&mut state.suspected);
        state.uncertain.extend(suspected);
    }

    /// Shuts out all calls that take; waits for those under way.
    pub(super) async fn block_calls(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().await
    }

    /// Each of `ids` with the claim that it was handed out under, if it was.
    pub(super) fn claims(
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

    /// Nothing is in flight there that was not handed out.
    pub(super) fn resolved(&self, incarnation: &str, tenant: &TenantId) {
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

impl TrackedCall<'_> {
    /// The call was answered: this is what it took under `fence`, and nothing else.
    pub(super) fn finish<'b>(
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
