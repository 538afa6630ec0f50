//! The deliveries in flight.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use webhook_model::{DeliveryId, TenantId};

use crate::Fence;

/// The tenant and the id of a delivery.
pub(in crate::sqlite) type Key = (TenantId, DeliveryId);

/// The number that stands for no lease.
pub(in crate::sqlite) const NO_LEASE: u64 = 0;

/// A delivery in flight, with the data that its outcome needs.
#[derive(Clone, Debug)]
pub(in crate::sqlite) struct Flight {
    pub seq: i64,
    pub endpoint_key: i64,
    /// The number of its lease.
    pub lease: u64,
    /// The incarnation that claimed it.
    pub owner: Arc<str>,
    /// The fence of its claim.
    pub fence: Fence,
    /// The moment at which it became due, in milliseconds.
    pub at: i64,
    /// Its ordering group, if its endpoint is ordered.
    pub ordering_group: Option<Arc<str>>,
    /// True if its event was erased: it is dead on the disk, and is not attempted again.
    pub is_erased: bool,
}

#[derive(Default)]
pub(in crate::sqlite) struct InFlight {
    by_key: HashMap<Key, Flight>,
    seqs: HashSet<i64>,
}

impl InFlight {
    pub fn insert(&mut self, key: Key, flight: Flight) {
        self.seqs.insert(flight.seq);
        if let Some(before) = self.by_key.insert(key, flight) {
            self.seqs.remove(&before.seq);
        }
    }

    pub fn remove(&mut self, key: &Key) {
        if let Some(flight) = self.by_key.remove(key) {
            self.seqs.remove(&flight.seq);
        }
    }

    /// Takes the lease away from those of `keys` that are still under `lease`.
    pub fn abandon(&mut self, keys: &[Key], lease: u64) {
        for key in keys {
            let flight = self.by_key.get_mut(key);
            if let Some(flight) = flight.filter(|flight| flight.lease == lease) {
                flight.lease = NO_LEASE;
            }
        }
    }

    /// Marks a delivery in flight as erased.
    pub fn erase(&mut self, key: &Key) {
        if let Some(flight) = self.by_key.get_mut(key) {
            flight.is_erased = true;
        }
    }

    pub fn remove_tenant(&mut self, tenant: &TenantId) {
        let seqs = &mut self.seqs;
        self.by_key.retain(|(of, _), flight| {
            let stays = of != tenant;
            if !stays {
                seqs.remove(&flight.seq);
            }
            stays
        });
    }

    pub fn get(&self, key: &Key) -> Option<&Flight> {
        self.by_key.get(key)
    }

    pub fn has(&self, seq: i64) -> bool {
        self.seqs.contains(&seq)
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Flight)> {
        self.by_key.iter()
    }
}
