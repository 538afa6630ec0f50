//! The leases of owners.
//!
//! Kept in memory only: one process has the file, so leases of an earlier process have ended.

use std::collections::HashMap;

use webhook_model::{Millis, Owner};

use crate::StoreError;

struct Lease {
    owner: Owner,
    until: Millis,
    number: u64,
}

#[derive(Default)]
pub(in crate::sqlite) struct Leases {
    by_name: HashMap<String, Lease>,
    last: u64,
}

impl Leases {
    /// Returns the number of `owner`'s lease, if it has one.
    pub fn of(&self, owner: &Owner) -> Option<u64> {
        let lease = self.by_name.get(&owner.name)?;
        (lease.owner.incarnation == owner.incarnation).then_some(lease.number)
    }

    pub fn is_live(&self, number: u64) -> bool {
        self.by_name.values().any(|lease| lease.number == number)
    }

    /// Adds a lease for `owner`, which replaces an ended one of an earlier run.
    pub fn acquire(&mut self, owner: &Owner, now: Millis, until: Millis) -> Result<(), StoreError> {
        if self.renew(owner, until).is_ok() {
            return Ok(());
        }
        if let Some(lease) = self.by_name.get(&owner.name) {
            let gone = owner.is_known_gone(&lease.owner.host, lease.owner.pid);
            if lease.until > now && !gone {
                return Err(taken(&owner.name, lease.until, now));
            }
        }
        self.last += 1;
        let lease = Lease {
            owner: owner.clone(),
            until,
            number: self.last,
        };
        self.by_name.insert(owner.name.clone(), lease);
        Ok(())
    }

    pub fn renew(&mut self, owner: &Owner, until: Millis) -> Result<(), StoreError> {
        match self.by_name.get_mut(&owner.name) {
            Some(lease) if lease.owner.incarnation == owner.incarnation => {
                lease.until = until;
                Ok(())
            }
            _ => Err(StoreError::LeaseLost(owner.name.clone())),
        }
    }

    pub fn release(&mut self, owner: &Owner) {
        if self.of(owner).is_some() {
            self.by_name.remove(&owner.name);
        }
    }

    /// Ends the expired leases of others than `owner`.
    pub fn expire(&mut self, owner: &Owner, now: Millis) {
        let is_own = |lease: &Lease| lease.owner.incarnation == owner.incarnation;
        self.by_name
            .retain(|_, lease| lease.until > now || is_own(lease));
    }
}

fn taken(name: &str, until: Millis, now: Millis) -> StoreError {
    StoreError::NameTaken {
        name: name.into(),
        left_ms: until.0.saturating_sub(now.0),
    }
}
