//! The periodic check of every tenant: returns claims of dead owners, and completes what a lost
//! connection or a killed process left unfinished.

use std::collections::HashSet;

use webhook_model::{EndpointId, Millis, Owner, TenantId};

use super::RedisStore;
use super::keys::{self, TenantKeys};
use super::scripts::{EXPIRE_LEASES, RETURN_CLAIMS, TENANT_SUMMARY};
use super::store::{AT_A_TIME, all, shared_call, stamp, tenant_call};
use crate::{Fence, Result};

/// The summary of a tenant: version, whether it is being deleted, earliest due time, owners that may
/// have its deliveries in flight, endpoints that are being deleted, number of accepted events.
pub(super) type TenantSummary = (String, bool, String, Vec<String>, Vec<String>, u64);

impl RedisStore {
    pub(super) async fn recover_all(&self, owner: &Owner, now: Millis) -> Result<u64> {
        let mut expire = shared_call(&EXPIRE_LEASES);
        expire.arg(&owner.incarnation).arg(now.0);
        for incarnation in self.run::<Vec<String>>(&EXPIRE_LEASES, &expire).await? {
            self.in_flight.remove_owner(&incarnation);
        }
        self.release_dead(now).await
    }

    /// Makes deliveries in flight under owners without a lease due again. Returns their number.
    pub(super) async fn release_dead(&self, now: Millis) -> Result<u64> {
        let tenants = self.indexed_tenants().await?;
        let call = |(tenant, _): &'_ (TenantId, u64)| self.tenant_summary_of(tenant.clone());
        let summary = all(tenants.iter().map(call).collect()).await?;
        // After the summaries: an owner in a tenant's list acquired its lease before the list was
        // read.
        let dead = self.without_lease(&summary).await?;
        let mut count = 0;
        for ((tenant, version), summary) in tenants.iter().zip(&summary) {
            let (stored, gone, earliest, owners, buried, accepted) = summary;
            for owner in owners.iter().filter(|owner| dead.contains(*owner)) {
                let released = self.release_all(tenant, owner, now).await?;
                if released > 0 {
                    // A process does not react to its own wakes on the channel.
                    self.wakes.notify_one();
                }
                count += released;
            }
            for endpoint in buried {
                if let Ok(endpoint) = EndpointId::parse(endpoint) {
                    self.bury_rest(tenant, &endpoint, now).await?;
                }
            }
            if *gone {
                self.purge(tenant).await?;
            } else if stored.parse() != Ok(*version) && !stored.is_empty() {
                self.raise_version(tenant, stored).await?;
            }
            self.hint(tenant, earliest).await?;
            if *accepted > 0 {
                self.hint_backlog(tenant).await?;
            }
        }
        Ok(count)
    }

    async fn tenant_summary_of(&self, tenant: TenantId) -> Result<TenantSummary> {
        self.tenant_summary(&tenant).await
    }

    pub(super) async fn tenant_summary(&self, tenant: &TenantId) -> Result<TenantSummary> {
        self.run(&TENANT_SUMMARY, &tenant_call(&TENANT_SUMMARY, tenant))
            .await
    }

    /// Returns the owners in the summaries that have no lease.
    async fn without_lease(&self, summary: &[TenantSummary]) -> Result<HashSet<String>> {
        let owners = summary.iter().flat_map(|(_, _, _, owners, ..)| owners);
        let owners: Vec<&String> = owners.collect::<HashSet<_>>().into_iter().collect();
        if owners.is_empty() {
            return Ok(HashSet::new());
        }
        let mut command = redis::cmd("HMGET");
        command.arg(keys::owners()).arg(&owners);
        let entries: Vec<Option<String>> = self.query(&command).await?;
        let dead = owners
            .into_iter()
            .zip(entries)
            .filter(|(_, entry)| entry.is_none());
        Ok(dead.map(|(owner, _)| owner.clone()).collect())
    }

    /// Makes all deliveries of a tenant that an incarnation has in flight due again. Returns their
    /// number.
    pub(super) async fn release_all(
        &self,
        tenant: &TenantId,
        incarnation: &str,
        now: Millis,
    ) -> Result<u64> {
        let mut count = 0;
        loop {
            let mut call = tenant_call(&RETURN_CLAIMS, tenant);
            call.arg(incarnation).arg(&stamp(now)).arg(AT_A_TIME);
            let (some, left, lowered): (u64, u64, String) = self.run(&RETURN_CLAIMS, &call).await?;
            self.publish_wake(tenant, &lowered).await;
            count += some;
            if left == 0 {
                return Ok(count);
            }
        }
    }

    /// Returns claims of `owner` that no caller received to the queue: see `in_flight`.
    pub(super) async fn return_lost_claims(&self, owner: &Owner, now: Millis) -> Result<()> {
        let incarnation = &owner.incarnation;
        if self.in_flight.uncertain(incarnation).is_empty() {
            return Ok(());
        }
        let _blocked = self.in_flight.block_calls().await;
        for tenant in self.in_flight.uncertain(incarnation) {
            let mut command = redis::cmd("SMEMBERS");
            command.arg(TenantKeys::of(&tenant).leased(incarnation));
            let ids: Vec<String> = self.query(&command).await?;
            let claims = self.in_flight.claims(incarnation, &tenant, ids);
            for some in claims.chunks(AT_A_TIME) {
                let mut call = tenant_call(&RETURN_CLAIMS, &tenant);
                call.arg(incarnation).arg(&stamp(now)).arg(0);
                for (id, claim) in some {
                    let stays = claim.map(Fence::to_bytes);
                    call.arg(id)
                        .arg(stays.as_ref().map_or(&[][..], |fence| fence));
                }
                let (.., lowered): (u64, u64, String) = self.run(&RETURN_CLAIMS, &call).await?;
                self.publish_wake(&tenant, &lowered).await;
            }
            self.in_flight.resolved(incarnation, &tenant);
        }
        self.wakes.notify_one();
        Ok(())
    }
}
