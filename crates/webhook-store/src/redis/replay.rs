//! Makes deliveries that ended due again, and those that wait for another attempt due at once.

use std::collections::HashSet;

use webhook_model::{DeliveryId, DeliveryState, EndpointId, Millis, TenantId};

use super::RedisStore;
use super::record::Record;
use super::scripts::REPLAY;
use super::store::{AT_A_TIME, stamp, tenant_call};
use crate::{CountedPart, Cursor, DeliveryFilter, ReplayBodies, Result};

/// The kind of deliveries that a replay is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Deliveries that succeeded, and dead ones.
    Ended,
    /// Deliveries that wait for another attempt after a failed one.
    Pending,
}

impl Kind {
    fn of(filter: &DeliveryFilter) -> Self {
        match filter.state {
            Some(DeliveryState::Pending) => Self::Pending,
            _ => Self::Ended,
        }
    }

    fn has(self, record: &Record) -> bool {
        match self {
            Self::Ended => matches!(record.state, b'S' | b'D'),
            Self::Pending => record.state == b'P' && record.attempts_made > 0,
        }
    }
}

impl RedisStore {
    pub(super) async fn replay_selected(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        bodies: ReplayBodies,
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
            let how = (Kind::of(filter), bodies);
            count += self.replay_some(tenant, some, how, now).await?;
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

    /// Returns a part of the matching deliveries that can be replayed, whose endpoint exists and whose event
    /// was not erased, the newest first, and the cursor of the next part.
    async fn replayable(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        existing: &HashSet<EndpointId>,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<DeliveryId>, Option<Cursor>)> {
        let kind = Kind::of(filter);
        let page = self.select(tenant, filter, cursor, AT_A_TIME).await?;
        let is_replayable = |record: &Record| {
            kind.has(record) && !record.is_erased() && existing.contains(&record.endpoint)
        };
        let found = page.items.into_iter();
        let found = found.filter(|it| is_replayable(&it.record));
        Ok((found.map(|it| it.id).collect(), page.next_cursor))
    }

    async fn replay_some(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        (kind, bodies): (Kind, ReplayBodies),
        now: Millis,
    ) -> Result<u64> {
        let mut call = tenant_call(&REPLAY, tenant);
        call.arg(now.0).arg(&stamp(now));
        call.arg(u8::from(bodies == ReplayBodies::Deferred));
        call.arg(u8::from(kind == Kind::Pending));
        for id in ids {
            call.arg(id.as_str());
        }
        let (count, lowered): (u64, String) = self.run(&REPLAY, &call).await?;
        self.publish_wake(tenant, &lowered).await;
        Ok(count)
    }
}
