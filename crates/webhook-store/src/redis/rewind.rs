//! Corrects due times after a clock was set back.

use webhook_model::{Millis, TenantId};

use super::RedisStore;
use super::keys::TenantKeys;
use super::scripts::{REWIND, REWIND_ORDERING_GROUP};
use super::store::{AT_A_TIME, stamp, tenant_call};
use crate::Result;

impl RedisStore {
    pub(super) async fn rewind_all(&self, now: Millis) -> Result<u64> {
        let mut count = 0;
        for (tenant, _) in self.indexed_tenants().await? {
            let mut endpoints = redis::cmd("SMEMBERS");
            endpoints.arg(TenantKeys::of(&tenant).planned_for());
            for endpoint in self.query::<Vec<String>>(&endpoints).await? {
                count += self.rewind_due(&tenant, &endpoint, now).await?;
                self.rewind_waiting(&tenant, &endpoint, now).await?;
            }
        }
        Ok(count)
    }

    async fn rewind_due(&self, tenant: &TenantId, endpoint: &str, now: Millis) -> Result<u64> {
        let (mut from, mut passed, mut count) = (format!("({}", now.0), 0_u64, 0);
        while !from.is_empty() {
            let mut call = tenant_call(&REWIND, tenant);
            call.arg(endpoint).arg(now.0).arg(&from).arg(passed);
            call.arg(AT_A_TIME);
            let (moved, next, behind, lowered): (u64, String, u64, String) =
                self.run(&REWIND, &call).await?;
            self.publish_wake(tenant, &lowered).await;
            count += moved;
            (from, passed) = (next, behind);
        }
        Ok(count)
    }

    /// Corrects ordered deliveries that wait for their group, which are in no queue yet.
    async fn rewind_waiting(&self, tenant: &TenantId, endpoint: &str, now: Millis) -> Result<()> {
        let mut ordering_groups = redis::cmd("HKEYS");
        ordering_groups.arg(TenantKeys::of(tenant).turns(endpoint));
        for ordering_group in self.query::<Vec<Vec<u8>>>(&ordering_groups).await? {
            let mut from = 0;
            loop {
                let mut call = tenant_call(&REWIND_ORDERING_GROUP, tenant);
                call.arg(endpoint).arg(&ordering_group).arg(&stamp(now));
                call.arg(from).arg(AT_A_TIME);
                let seen: usize = self.run(&REWIND_ORDERING_GROUP, &call).await?;
                from += seen;
                if seen < AT_A_TIME {
                    break;
                }
            }
        }
        Ok(())
    }
}
