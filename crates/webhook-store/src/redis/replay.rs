//! Makes deliveries that ended due again.

use std::collections::HashSet;

use webhook_model::{DeliveryId, EndpointId, Millis, TenantId};

use super::RedisStore;
use super::scripts::REPLAY;
use super::store::{AT_A_TIME, stamp, tenant_call};
use crate::{DeliveryFilter, Result};

impl RedisStore {
    pub(super) async fn replay_selected(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        now: Millis,
    ) -> Result<u64> {
        let mut ids = self.replayable(tenant, filter).await?;
        // The list starts with the newest; ordered deliveries are replayed in the order of planning.
        ids.reverse();
        let mut count = 0;
        for some in ids.chunks(AT_A_TIME) {
            count += self.replay_some(tenant, some, now).await?;
        }
        Ok(count)
    }

    /// Counts the deliveries that a replay would make due.
    pub(super) async fn count_replayable_of(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
    ) -> Result<u64> {
        Ok(self.replayable(tenant, filter).await?.len() as u64)
    }

    /// Returns the matching deliveries that have ended, whose endpoint exists and whose event was not
    /// erased, the newest first.
    async fn replayable(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
    ) -> Result<Vec<DeliveryId>> {
        let endpoints = self.endpoints_of(tenant).await?;
        let endpoints = endpoints
            .map(|(_, endpoints)| endpoints)
            .unwrap_or_default();
        let existing: HashSet<EndpointId> = endpoints.into_iter().map(|one| one.id).collect();
        let mut ids = Vec::new();
        let mut cursor = None;
        loop {
            let page = self
                .select(tenant, filter, cursor.as_ref(), AT_A_TIME)
                .await?;
            for (id, record) in page.items {
                let has_ended = matches!(record.state, b'S' | b'D');
                if has_ended && !record.is_erased() && existing.contains(&record.endpoint) {
                    ids.push(id);
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(ids);
            }
        }
    }

    async fn replay_some(&self, tenant: &TenantId, ids: &[DeliveryId], now: Millis) -> Result<u64> {
        let mut call = tenant_call(&REPLAY, tenant);
        call.arg(now.0).arg(&stamp(now));
        for id in ids {
            call.arg(id.as_str());
        }
        let (count, lowered): (u64, String) = self.run(&REPLAY, &call).await?;
        self.publish_wake(tenant, &lowered).await;
        Ok(count)
    }
}
