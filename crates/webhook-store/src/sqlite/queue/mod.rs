//! What the store keeps in memory: what is in flight, under whose lease, and where something is due.
//!
//! Written by the writer's thread only, and only after what it speaks of is committed. Read by
//! everybody: `due` and `depth` are answered from here, listings look up what is in flight.

mod backlog;
mod flights;
mod lanes;
mod leases;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use webhook_model::{EndpointId, Millis, Owner, TenantId};

use crate::Depth;

use backlog::Backlog;
pub(in crate::sqlite) use flights::{Flight, Flights, Key, NO_LEASE};
pub(in crate::sqlite) use lanes::{Lanes, Place};
pub(in crate::sqlite) use leases::Leases;

#[derive(Default)]
pub(in crate::sqlite) struct Queue {
    pub lanes: Lanes,
    pub flights: Flights,
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
    pub given_back: Notify,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that can panic is done under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call says what time it is. Answers the latest moment of all.
    pub fn told(&self, now: Millis) -> Millis {
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
        lane: i64,
        place: Place,
    },
    /// One is in flight.
    Claimed {
        key: Key,
        flight: Flight,
    },
    /// One is no longer in flight.
    Settled {
        key: Key,
        seq: i64,
    },
    /// Deliveries are due again that were in flight for somebody who is gone.
    GivenBack,
    Lane {
        lane: i64,
        tenant: TenantId,
        endpoint: EndpointId,
        enabled: bool,
        first: Option<Place>,
    },
    LaneGone {
        lane: i64,
    },
    TenantGone {
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
        self.backlog.take(tenant, owner, &self.leases)
    }

    /// Ends an owner's planning. Returns whether it planned the tenant's events.
    pub fn end_planning(&mut self, tenant: &TenantId, owner: &Owner) -> bool {
        self.backlog.give_back(tenant, owner, &self.leases)
    }

    pub fn depth(&self, now: Millis) -> Depth {
        let in_flight = self.flights.len() as u64;
        Depth {
            accepted: self.backlog.count(),
            pending: self.pending.unsigned_abs().saturating_sub(in_flight),
            in_flight,
            dead: self.dead.unsigned_abs(),
            oldest_due: self.lanes.oldest_due(now),
        }
    }

    pub fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Ready { lane, place } => self.lanes.arrived(lane, place),
            Effect::Claimed { key, flight } => self.flights.insert(key, flight),
            Effect::Settled { key, .. } => self.flights.remove(&key),
            // Whoever waits for that is told once all of it can be seen.
            Effect::GivenBack => {}
            Effect::Lane {
                lane,
                tenant,
                endpoint,
                enabled,
                first,
            } => {
                self.lanes.put(lane, tenant, endpoint, enabled, first);
            }
            Effect::LaneGone { lane } => self.lanes.remove(lane),
            Effect::TenantGone { tenant } => {
                self.lanes.remove_tenant(&tenant);
                self.flights.remove_tenant(&tenant);
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
