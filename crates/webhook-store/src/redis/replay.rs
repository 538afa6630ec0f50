//! Makes deliveries that ended due again.

use webhook_model::{DeliveryId, Millis, TenantId};

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
        let mut ids = Vec::new();
        let mut cursor = None;
        loop {
            let page = self
                .select(tenant, filter, cursor.as_ref(), AT_A_TIME)
                .await?;
            ids.extend(page.items.into_iter().map(|(id, _)| id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        // The list starts with the newest; ordered deliveries are replayed in the order of planning.
        ids.reverse();
        let mut count = 0;
        for some in ids.chunks(AT_A_TIME) {
            count += self.replay_some(tenant, some, now).await?;
        }
        Ok(count)
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
