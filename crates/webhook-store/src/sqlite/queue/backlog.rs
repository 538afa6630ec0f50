//! The backlog: accepted events that are not planned yet.

use std::collections::HashMap;

use webhook_model::{Owner, TenantId};

use super::in_flight::NO_LEASE;
use super::leases::Leases;

/// The number of accepted events of each tenant, and the lease of the owner that plans them.
#[derive(Default)]
pub(in crate::sqlite) struct Backlog {
    tenants: HashMap<TenantId, Waiting>,
}

#[derive(Default)]
struct Waiting {
    count: i64,
    /// The number of the lease of the owner that plans them.
    planner: u64,
}

impl Backlog {
    pub fn add(&mut self, tenant: &TenantId, count: i64) {
        if let Some(waiting) = self.tenants.get_mut(tenant) {
            waiting.count += count;
            if waiting.count <= 0 && waiting.planner == NO_LEASE {
                self.tenants.remove(tenant);
            }
        } else if count > 0 {
            let planner = NO_LEASE;
            self.tenants
                .insert(tenant.clone(), Waiting { count, planner });
        }
    }

    pub fn remove(&mut self, tenant: &TenantId) {
        self.tenants.remove(tenant);
    }

    /// Returns the tenants with accepted events.
    pub fn tenants(&self) -> Vec<TenantId> {
        let waiting = self.tenants.iter().filter(|(_, waiting)| waiting.count > 0);
        waiting.map(|(tenant, _)| tenant.clone()).collect()
    }

    pub fn has(&self, tenant: &TenantId) -> bool {
        self.tenants
            .get(tenant)
            .is_some_and(|waiting| waiting.count > 0)
    }

    pub fn count(&self) -> u64 {
        let counts = self.tenants.values().map(|waiting| waiting.count.max(0));
        counts.sum::<i64>().unsigned_abs()
    }

    /// Lets an owner plan for a tenant, unless another owner with a lease does. Returns whether it may.
    pub fn acquire(&mut self, tenant: &TenantId, owner: &Owner, leases: &Leases) -> bool {
        let own = leases.of(owner).unwrap_or(NO_LEASE);
        let Some(waiting) = self.tenants.get_mut(tenant) else {
            return false;
        };
        if waiting.count <= 0 {
            self.tenants.remove(tenant);
            return false;
        }
        let free = waiting.planner == own || !leases.is_live(waiting.planner);
        if free {
            waiting.planner = own;
        }
        free
    }

    /// Ends the owner's planning for a tenant. Returns whether it planned.
    pub fn release(&mut self, tenant: &TenantId, owner: &Owner, leases: &Leases) -> bool {
        let own = leases.of(owner).unwrap_or(NO_LEASE);
        let Some(waiting) = self.tenants.get_mut(tenant) else {
            return false;
        };
        if waiting.planner != own {
            return false;
        }
        waiting.planner = NO_LEASE;
        if waiting.count <= 0 {
            self.tenants.remove(tenant);
        }
        true
    }
}
