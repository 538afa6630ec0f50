//! Signals about tenants.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use webhook_model::TenantId;

/// A set of tenants that one task waits for. A tenant that is signalled twice is contained once.
#[derive(Default)]
pub(super) struct TenantSignals {
    tenants: Mutex<HashSet<TenantId>>,
    added: Notify,
}

impl TenantSignals {
    pub(super) fn notify(&self, tenant: &TenantId) {
        let mut tenants = self.lock();
        if !tenants.contains(tenant) {
            tenants.insert(tenant.clone());
            self.added.notify_one();
        }
    }

    /// Waits until the set is not empty, and takes all tenants.
    pub(super) async fn next(&self) -> HashSet<TenantId> {
        loop {
            let taken = std::mem::take(&mut *self.lock());
            if !taken.is_empty() {
                return taken;
            }
            self.added.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<TenantId>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
