//! The previews in progress.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use webhook_model::TenantId;

/// The number of previews that run at a time. They must not take all threads from planning.
const AT_A_TIME: usize = 2;

/// The previews in progress: one for each tenant, and [`AT_A_TIME`] in total. Cheap to clone.
#[derive(Clone)]
pub struct Previews {
    tenants: Arc<Mutex<HashSet<TenantId>>>,
    permits: Arc<Semaphore>,
}

/// The preview of a tenant. Dropping it ends the preview.
pub struct ActivePreview {
    previews: Previews,
    tenant: TenantId,
}

impl Default for Previews {
    fn default() -> Self {
        Self {
            tenants: Arc::default(),
            permits: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }
}

impl Previews {
    /// Begins the preview of a tenant; `None` while one is in progress.
    pub fn begin(&self, tenant: &TenantId) -> Option<ActivePreview> {
        let is_free = self.tenants().insert(tenant.clone());
        is_free.then(|| ActivePreview {
            previews: self.clone(),
            tenant: tenant.clone(),
        })
    }

    fn tenants(&self) -> MutexGuard<'_, HashSet<TenantId>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ActivePreview {
    /// Waits until the preview may run. The permit is released when it is dropped.
    pub async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.previews.permits.clone().acquire_owned().await.ok()
    }
}

impl Drop for ActivePreview {
    fn drop(&mut self) {
        self.previews.tenants().remove(&self.tenant);
    }
}
