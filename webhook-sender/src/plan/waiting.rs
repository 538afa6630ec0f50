//! Events that wait to be stored together with others of their tenant.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use webhook_model::{Event, TenantId};

use super::PlanError;
use super::kept::Submitted;

/// An event, and the caller that waits until it is durable.
pub(super) struct Waiting {
    pub event: Event,
    pub reply: oneshot::Sender<Result<Submitted, PlanError>>,
}

/// Events that wait for the task of their tenant. A tenant is in the map while it has a task: the
/// caller that adds the first event starts the task, which removes the tenant when no event waits.
/// The lock is never held across an await.
#[derive(Default)]
pub(super) struct WaitingEvents(Mutex<HashMap<TenantId, Vec<Waiting>>>);

/// The task of a tenant. A panic of the task removes the tenant from the map, and drops its waiting
/// events: that closes their channels, which wakes their callers.
pub(super) struct TenantTask<'a> {
    events: &'a WaitingEvents,
    tenant: &'a TenantId,
}

impl WaitingEvents {
    /// Adds an event. Returns true if the tenant has no task yet.
    pub(super) fn add(&self, tenant: &TenantId, waiting: Waiting) -> bool {
        let mut all = self.lock();
        match all.get_mut(tenant) {
            Some(queue) => {
                queue.push(waiting);
                false
            }
            None => {
                all.insert(tenant.clone(), vec![waiting]);
                true
            }
        }
    }

    pub(super) fn task<'a>(&'a self, tenant: &'a TenantId) -> TenantTask<'a> {
        TenantTask {
            events: self,
            tenant,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Vec<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TenantTask<'_> {
    /// Takes all waiting events. If there are none, ends the task: removes the tenant and returns
    /// `None`.
    pub(super) fn take(&self) -> Option<Vec<Waiting>> {
        let mut all = self.events.lock();
        match all.get_mut(self.tenant) {
            Some(queue) if !queue.is_empty() => Some(std::mem::take(queue)),
            _ => {
                all.remove(self.tenant);
                None
            }
        }
    }
}

impl Drop for TenantTask<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.events.lock().remove(self.tenant);
        }
    }
}
