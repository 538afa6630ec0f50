//! Makes deliveries that ended due again, and those that wait for another attempt due at once.

use std::collections::HashSet;

use webhook_model::{DeliveryId, DeliveryState, EndpointId, Millis, TenantId};

use super::RedisStore;
use super::record::Record;
use super::scripts::REPLAY;
use super::store::{AT_A_TIME, stamp, tenant_call};
use crate::{DeliveryFilter, ReplayBodies, Result};

/// The kind of deliveries that a replay is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ended,
    /// Those that wait for another attempt after one has failed.
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
        let mut ids = self.replayable(tenant, filter).await?;
        // The list starts with the newest; ordered deliveries are replayed in the order of planning.
        ids.reverse();
        let mut count = 0;
        for some in ids.chunks(AT_A_TIME) {
            let how = (Kind::of(filter), bodies);
            count += self.replay_some(tenant, some, how, now).await?;
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

    /// Returns the matching deliveries that can be replayed, whose endpoint exists and whose event was not
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
        let (kind, mut ids) = (Kind::of(filter), Vec::new());
        let mut cursor = None;
        loop {
            let page = self
                .select(tenant, filter, cursor.as_ref(), AT_A_TIME)
                .await?;
            for (id, record) in page.items {
                if kind.has(&record) && !record.is_erased() && existing.contains(&record.endpoint) {
                    ids.push(id);
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(ids);
            }
        }
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
