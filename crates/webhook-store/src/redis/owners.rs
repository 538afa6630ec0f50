//! The leases of owners: acquired, renewed and released.

use serde::{Deserialize, Serialize};
use webhook_model::{Millis, Owner};

use super::RedisStore;
use super::scripts::{ACQUIRE_LEASE, RELEASE_LEASE, RENEW_LEASE, TIME};
use super::store::shared_call;
use crate::{Result, StoreError};

/// The process of a lease, as its entry stores it after the end of the lease.
#[derive(Serialize, Deserialize)]
struct Process {
    host: String,
    pid: u32,
}

fn entry(owner: &Owner, until: Millis) -> String {
    let process = Process {
        host: owner.host.clone(),
        pid: owner.pid,
    };
    // Serializing a string and a number cannot fail.
    format!(
        "{} {}",
        until.0,
        serde_json::to_string(&process).unwrap_or_default()
    )
}

fn read_entry(entry: &str) -> Option<(Millis, Process)> {
    let (until, process) = entry.split_once(' ')?;
    Some((
        Millis(until.parse().ok()?),
        serde_json::from_str(process).ok()?,
    ))
}

impl RedisStore {
    pub(super) async fn acquire_owner_lease(
        &self,
        owner: &Owner,
        now: Millis,
        until: Millis,
    ) -> Result<()> {
        let mut known_gone = String::new();
        loop {
            let mut call = shared_call(&ACQUIRE_LEASE);
            call.arg(&owner.name)
                .arg(&owner.incarnation)
                .arg(entry(owner, until));
            call.arg(now.0).arg(&known_gone);
            let reply: Vec<String> = self.run(&ACQUIRE_LEASE, &call).await?;
            let [incarnation, value] = reply.as_slice() else {
                break;
            };
            let (until, process) = read_entry(value).ok_or_else(|| {
                self.failed(format!(
                    "the lease entry of sender `{}` cannot be read",
                    owner.name
                ))
            })?;
            if !owner.is_known_gone(&process.host, process.pid) {
                return Err(StoreError::NameTaken {
                    name: owner.name.clone(),
                    left_ms: until.0.saturating_sub(now.0),
                });
            }
            known_gone.clone_from(incarnation);
        }
        self.in_flight.entered(&owner.incarnation);
        self.check_eviction().await;
        // Claims of the earlier run need not wait for the next recovery.
        self.release_dead(now).await?;
        Ok(())
    }

    pub(super) async fn renew_owner_lease(
        &self,
        owner: &Owner,
        now: Millis,
        until: Millis,
    ) -> Result<()> {
        let mut call = shared_call(&RENEW_LEASE);
        call.arg(&owner.incarnation).arg(entry(owner, until));
        let renewed: bool = self.run(&RENEW_LEASE, &call).await?;
        if !renewed {
            self.in_flight.remove_owner(&owner.incarnation);
            return Err(StoreError::LeaseLost(owner.name.clone()));
        }
        self.in_flight.promote_suspected();
        self.return_lost_claims(owner, now).await
    }

    /// Returns the time by the clock of the server that has the leases.
    pub(super) async fn server_time(&self) -> Result<Millis> {
        let (seconds, micros): (u64, u64) = self.run(&TIME, &shared_call(&TIME)).await?;
        Ok(Millis(seconds * 1000 + micros / 1000))
    }

    pub(super) async fn release_owner_lease(&self, owner: &Owner, now: Millis) -> Result<()> {
        for (tenant, _) in self.indexed_tenants().await? {
            self.release_all(&tenant, &owner.incarnation, now).await?;
        }
        let mut call = shared_call(&RELEASE_LEASE);
        call.arg(&owner.name).arg(&owner.incarnation);
        self.run::<i64>(&RELEASE_LEASE, &call).await?;
        self.in_flight.remove_owner(&owner.incarnation);
        Ok(())
    }
}
