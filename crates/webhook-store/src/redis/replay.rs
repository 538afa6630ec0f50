//! Makes deliveries that ended due again.

use std::collections::HashSet;

use webhook_model::{DeliveryId, EndpointId, Millis, TenantId};

use super::RedisStore;
use super::record::Record;
use super::scripts::REPLAY;
use super::store::{AT_A_TIME, stamp, tenant_call};
use crate::{CountedPart, Cursor, DeliveryFilter, Result};

impl RedisStore {
    pub(super) async fn replay_selected(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        now: Millis,
    ) -> Result<u64> {
        let existing = self.existing_endpoints(tenant).await?;
        let (mut ids, mut cursor) = (Vec::new(), None);
        loop {
            let part = self.replayable(tenant, filter, &existing, cursor.as_ref());
            let (some, next) = part.await?;
            ids.extend(some);
            cursor = next;
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

    /// Counts a part of the deliveries that a replay would make due.
    pub(super) async fn count_replayable_of(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
    ) -> Result<CountedPart> {
        let existing = self.existing_endpoints(tenant).await?;
        let (ids, next_cursor) = self.replayable(tenant, filter, &existing, cursor).await?;
        Ok(CountedPart {
            count: ids.len() as u64,
            next_cursor,
        })
    }

    async fn existing_endpoints(&self, tenant: &TenantId) -> Result<HashSet<EndpointId>> {
        let endpoints = self.endpoints_of(tenant).await?;
        let endpoints = endpoints.map(|(_, endpoints)| endpoints);
        let endpoints = endpoints.unwrap_or_default().into_iter();
        Ok(endpoints.map(|one| one.id).collect())
    }

    /// Returns a part of the matching deliveries that have ended, whose endpoint exists and whose event
    /// was not erased, the newest first, and the cursor of the next part.
    async fn replayable(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        existing: &HashSet<EndpointId>,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<DeliveryId>, Option<Cursor>)> {
        let page = self.select(tenant, filter, cursor, AT_A_TIME).await?;
        let is_replayable = |record: &Record| {
            let has_ended = matches!(record.state, b'S' | b'D');
            has_ended && !record.is_erased() && existing.contains(&record.endpoint)
        };
        let ended = page
            .items
            .into_iter()
            .filter(|it| is_replayable(&it.record));
        Ok((ended.map(|it| it.id).collect(), page.next_cursor))
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
