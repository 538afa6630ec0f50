//! Limits of tenants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use webhook_model::TenantId;

/// The limits of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most endpoints.
    pub endpoints: usize,
    /// The most bytes of rendered bodies in memory, while they are planned and while they are sent.
    pub planned_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            endpoints: 1000,
            planned_bytes: 16 << 20,
        }
    }
}

/// The limits of all tenants.
#[derive(Default)]
pub(super) struct AllLimits(Mutex<State>);

#[derive(Default)]
struct State {
    general: Limits,
    own: HashMap<TenantId, Limits>,
    /// The budgets of tenants for which bodies were rendered since their limits were set.
    budgets: HashMap<TenantId, Arc<Budget>>,
}

impl AllLimits {
    pub(super) fn set(&self, general: Limits, own: HashMap<TenantId, Limits>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.budgets.retain(|tenant, budget| {
            let limits = own.get(tenant).unwrap_or(&general);
            budget.total == Budget::total(limits)
        });
        (state.general, state.own) = (general, own);
    }

    pub(super) fn of(&self, tenant: &TenantId) -> Limits {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.of(tenant)
    }

    pub(super) fn budget(&self, tenant: &TenantId) -> Arc<Budget> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = state.budgets.get(tenant) {
            return budget.clone();
        }
        let budget = Arc::new(Budget::new(&state.of(tenant)));
        state.budgets.insert(tenant.clone(), budget.clone());
        budget
    }

    pub(super) fn forget(&self, is_gone: impl Fn(&TenantId) -> bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.budgets.retain(|tenant, _| !is_gone(tenant));
    }
}

impl State {
    fn of(&self, tenant: &TenantId) -> Limits {
        *self.own.get(tenant).unwrap_or(&self.general)
    }
}

/// Bounds the bytes of the bodies that are rendered for a tenant.
pub struct Budget {
    total: u32,
    left: Arc<Semaphore>,
}

/// A part of a budget that is reserved for a body.
pub struct Reserved {
    total: u32,
    permit: OwnedSemaphorePermit,
}

/// A body, and the part of the budget that it occupies until its last clone is dropped.
struct Held {
    body: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl Budget {
    fn new(limits: &Limits) -> Self {
        let total = Self::total(limits);
        Self {
            total,
            left: Arc::new(Semaphore::new(total as usize)),
        }
    }

    fn total(limits: &Limits) -> u32 {
        u32::try_from(limits.planned_bytes).unwrap_or(u32::MAX)
    }

    /// Returns the share of the budget that one batch of events may use, so that other batches can
    /// be planned meanwhile.
    pub fn batch_bytes(&self) -> usize {
        self.total as usize / 4
    }

    /// Returns the body, counted until its last clone is dropped; `None` if the budget is
    /// exhausted.
    pub fn try_hold(&self, body: Bytes) -> Option<Bytes> {
        let bytes = self.clamp(body.len());
        let permit = self.left.clone().try_acquire_many_owned(bytes).ok()?;
        Some(hold(body, permit))
    }

    /// Waits until the budget allows a body of up to `bytes` bytes.
    pub async fn reserve(&self, bytes: usize) -> Option<Reserved> {
        let permit = self.left.clone().acquire_many_owned(self.clamp(bytes));
        Some(Reserved {
            total: self.total,
            // The semaphore is never closed.
            permit: permit.await.ok()?,
        })
    }

    fn clamp(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.total)
    }
}

impl Reserved {
    /// Returns the body, counted until its last clone is dropped. The rest of the reservation is
    /// released.
    pub fn hold(mut self, body: Bytes) -> Bytes {
        let bytes = body.len().min(self.total as usize);
        match self.permit.split(bytes) {
            Some(permit) => hold(body, permit),
            None => hold(body, self.permit),
        }
    }
}

fn hold(body: Bytes, permit: OwnedSemaphorePermit) -> Bytes {
    Bytes::from_owner(Held {
        body,
        _permit: permit,
    })
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(planned_bytes: usize) -> Budget {
        Budget::new(&Limits {
            planned_bytes,
            ..Limits::default()
        })
    }

    #[test]
    fn a_body_counts_until_its_last_clone_is_dropped() {
        let budget = budget(10);
        let body = |bytes: usize| budget.try_hold(vec![b'x'; bytes].into());
        let first = body(6).unwrap();
        assert_eq!((body(5), &first[..]), (None, &b"xxxxxx"[..]));
        let (second, clone) = (body(4).unwrap(), first.clone());
        drop(first);
        assert_eq!(body(1), None);
        drop((second, clone));
        assert!(
            body(100).is_some(),
            "a body larger than the budget takes all of it"
        );
    }

    #[tokio::test]
    async fn the_unused_part_of_a_reservation_is_released() {
        let budget = budget(10);
        let reserved = budget.reserve(20).await.unwrap();
        assert_eq!(budget.try_hold(Bytes::from_static(b"x")), None);
        let body = reserved.hold(Bytes::from_static(b"123"));
        assert_eq!(budget.left.available_permits(), 7);
        drop(body);
        assert_eq!(budget.left.available_permits(), 10);
    }

    #[test]
    fn the_limits_of_a_tenant_override_the_general_ones() {
        let limits = AllLimits::default();
        let [own, other] = ["own", "other"].map(|id| TenantId::parse(id).unwrap());
        let few = Limits {
            endpoints: 1,
            planned_bytes: 1,
        };
        let before = limits.budget(&own);
        limits.set(Limits::default(), HashMap::from([(own.clone(), few)]));
        assert_eq!(
            (limits.of(&own), limits.of(&other)),
            (few, Limits::default())
        );
        assert!(!Arc::ptr_eq(&before, &limits.budget(&own)));
        assert!(Arc::ptr_eq(&limits.budget(&other), &limits.budget(&other)));
    }
}
