//! What the store keeps in memory: what is in flight, under whose lease, and where something is due.
//!
//! Written by the writer's thread only, and only after what it speaks of is committed. Read by
//! everybody: `due` and `depth` are answered from here, listings look up what is in flight.

mod backlog;
mod endpoint_queues;
mod in_flight;
mod leases;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use webhook_model::{EndpointId, Millis, Owner, TenantId};

use crate::Depth;

use backlog::Backlog;
pub(in crate::sqlite) use endpoint_queues::{EndpointQueues, QueuePosition};
pub(in crate::sqlite) use in_flight::{Flight, InFlight, Key, NO_LEASE};
pub(in crate::sqlite) use leases::Leases;

#[derive(Default)]
pub(in crate::sqlite) struct Queue {
    pub endpoint_queues: EndpointQueues,
    pub in_flight: InFlight,
    pub leases: Leases,
    pub backlog: Backlog,
    /// Deliveries that are pending on the disk: those in flight are among them.
    pub pending: i64,
    /// Dead deliveries and rejected events.
    pub dead: i64,
}

/// The queue, shared. Held for moments: never while the disk is read or written.
#[derive(Default)]
pub(in crate::sqlite) struct Shared {
    queue: Mutex<Queue>,
    /// The latest moment that any call told of, in milliseconds.
    now: AtomicU64,
    /// Told when deliveries were given back that nobody has been told of.
    pub claims_returned: Notify,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that can panic is done under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call says what time it is. Answers the latest moment of all.
    pub fn observe_time(&self, now: Millis) -> Millis {
        Millis(self.now.fetch_max(now.0, Ordering::Relaxed).max(now.0))
    }

    /// The clock was set back: what was told of before was ahead.
    pub fn set_back(&self, now: Millis) {
        self.now.store(now.0, Ordering::Relaxed);
    }

    pub fn now(&self) -> Millis {
        Millis(self.now.load(Ordering::Relaxed))
    }
}

/// What a job has done, once it is committed.
#[derive(Debug)]
pub(in crate::sqlite) enum Effect {
    /// A delivery waits to be claimed.
    Ready {
        endpoint_key: i64,
        position: QueuePosition,
    },
    /// One is in flight.
    Claimed {
        key: Key,
        flight: Flight,
    },
    /// One is no longer in flight.
    Ended {
        key: Key,
        seq: i64,
    },
    /// Deliveries are due again that were in flight for somebody who is gone.
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
    /// So many more events of a tenant wait to be planned.
    Accepted {
        tenant: TenantId,
        count: i64,
    },
}

impl Queue {
    /// Has an owner plan a tenant's accepted events, unless another with a lease does. Returns whether
    /// it may.
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
            Effect::Claimed { key, flight } => self.in_flight.insert(key, flight),
            Effect::Ended { key, .. } => self.in_flight.remove(&key),
            // Whoever waits for that is told once all of it can be seen.
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
            Effect::Accepted { tenant, count } => self.backlog.add(&tenant, count),
            Effect::Counted { pending, dead } => {
                self.pending += pending;
                self.dead += dead;
            }
        }
    }
}
