//! The in-memory state of the store: leases, deliveries in flight, and due endpoints.
//!
//! Written by the writer's thread only, and only after the commit of the change. Read by all
//! threads: `due` and `depth` return from here, and listings look up deliveries in flight.

mod backlog;
mod endpoint_queues;
mod in_flight;
mod leases;
mod recent_ids;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use webhook_model::{EndpointId, Millis, Owner, TenantId};

use crate::Depth;

use backlog::Backlog;
pub(in crate::sqlite) use endpoint_queues::{EndpointQueues, QueuePosition};
pub(in crate::sqlite) use in_flight::{Flight, InFlight, Key, NO_LEASE};
pub(in crate::sqlite) use leases::Leases;
pub(in crate::sqlite) use recent_ids::{ALL, Entry, RecentIds};

#[derive(Default)]
pub(in crate::sqlite) struct Queue {
    pub endpoint_queues: EndpointQueues,
    pub in_flight: InFlight,
    pub leases: Leases,
    pub backlog: Backlog,
    pub recent_ids: RecentIds,
    /// Deliveries that are pending on the disk, which includes those in flight.
    pub pending: i64,
    /// Dead deliveries and rejected events.
    pub dead: i64,
}

/// The shared queue. Its lock is held for moments, never while the disk is read or written.
#[derive(Default)]
pub(in crate::sqlite) struct Shared {
    queue: Mutex<Queue>,
    /// The latest time that any call passed, in milliseconds.
    now: AtomicU64,
    /// Notified when claims were returned and their deliveries are due again.
    pub claims_returned: Notify,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Queue> {
        // No code that can panic runs under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the time that a call passed. Returns the latest time of all calls.
    pub fn observe_time(&self, now: Millis) -> Millis {
        Millis(self.now.fetch_max(now.0, Ordering::Relaxed).max(now.0))
    }

    /// Replaces the latest time, because the clock was ahead and was set back.
    pub fn reset_time(&self, now: Millis) {
        self.now.store(now.0, Ordering::Relaxed);
    }

    pub fn now(&self) -> Millis {
        Millis(self.now.load(Ordering::Relaxed))
    }
}

/// A change of the queue that follows from a committed job.
#[derive(Debug)]
pub(in crate::sqlite) enum Effect {
    /// A delivery can be claimed, now or once it is due.
    Ready {
        endpoint_key: i64,
        position: QueuePosition,
    },
    /// Deliveries of an endpoint can no longer be claimed; its queue begins at `first`.
    Withdrawn {
        endpoint_key: i64,
        first: Option<QueuePosition>,
    },
    /// A delivery is in flight.
    Claimed {
        key: Key,
        flight: Flight,
    },
    /// A delivery is no longer in flight.
    Ended {
        key: Key,
        seq: i64,
    },
    /// The event of a delivery in flight was erased.
    Erased {
        key: Key,
    },
    /// Claims of ended leases or cancelled calls were returned to the queue.
    ClaimsReturned,
    EndpointPut {
        endpoint_key: i64,
        tenant: TenantId,
        endpoint: EndpointId,
        enabled: bool,
        first: Option<QueuePosition>,
    },
    EndpointRemoved {
        endpoint_key: i64,
    },
    TenantRemoved {
        tenant: TenantId,
    },
    Counted {
        pending: i64,
        dead: i64,
    },
    /// An event or a delivery was deleted.
    IdRemoved {
        hash: i64,
        key: i64,
    },
    /// The change in the number of a tenant's accepted events.
    Accepted {
        tenant: TenantId,
        count: i64,
    },
}

impl Queue {
    /// Lets an owner plan a tenant's accepted events, unless another owner with a lease does. Returns
    /// whether it may.
    pub fn begin_planning(&mut self, tenant: &TenantId, owner: &Owner) -> bool {
        self.backlog.acquire(tenant, owner, &self.leases)
    }

    /// Ends an owner's planning. Returns whether it planned the tenant's events.
    pub fn end_planning(&mut self, tenant: &TenantId, owner: &Owner) -> bool {
        self.backlog.release(tenant, owner, &self.leases)
    }

    pub fn depth(&self, now: Millis) -> Depth {
        let in_flight = self.in_flight.len() as u64;
        Depth {
            accepted: self.backlog.count(),
            pending: self.pending.unsigned_abs().saturating_sub(in_flight),
            in_flight,
            dead: self.dead.unsigned_abs(),
            oldest_due: self.endpoint_queues.oldest_due(now),
        }
    }

    pub fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Ready {
                endpoint_key,
                position,
            } => self.endpoint_queues.arrived(endpoint_key, position),
            Effect::Withdrawn {
                endpoint_key,
                first,
            } => self.endpoint_queues.begins_at(endpoint_key, first),
            Effect::Claimed { key, flight } => self.in_flight.insert(key, flight),
            Effect::Ended { key, .. } => self.in_flight.remove(&key),
            Effect::Erased { key } => self.in_flight.erase(&key),
            // Waiters are notified by `Tx::committed`, after all effects are applied.
            Effect::ClaimsReturned => {}
            Effect::EndpointPut {
                endpoint_key,
                tenant,
                endpoint,
                enabled,
                first,
            } => {
                self.endpoint_queues
                    .put(endpoint_key, tenant, endpoint, enabled, first);
            }
            Effect::EndpointRemoved { endpoint_key } => self.endpoint_queues.remove(endpoint_key),
            Effect::TenantRemoved { tenant } => {
                self.endpoint_queues.remove_tenant(&tenant);
                self.in_flight.remove_tenant(&tenant);
                self.backlog.remove(&tenant);
            }
            Effect::IdRemoved { hash, key } => self.recent_ids.remove((hash, key)),
            Effect::Accepted { tenant, count } => self.backlog.add(&tenant, count),
            Effect::Counted { pending, dead } => {
                self.pending += pending;
                self.dead += dead;
            }
        }
    }
}
