//! Keeps, lists and deletes rejected events.

use webhook_model::{Millis, Rejected, TenantId};

use super::RedisStore;
use super::keys;
use super::positions::Position;
use super::scores::first_score;
use super::scripts::{PRUNE_REJECTED, REJECT, TAKE_REJECTED};
use super::store::{AT_A_TIME, shared_call};
use crate::{Cursor, PAGE_BYTES, Page, RejectedFilter, Result, StoreError};

/// The number of rejected events that one command reads: each may be as large as an event.
pub(super) const VALUES_AT_A_TIME: usize = 8;

impl RedisStore {
    pub(super) async fn keep_rejected(&self, rejected: &[Rejected]) -> Result<()> {
        for some in rejected.chunks(AT_A_TIME) {
            let mut call = shared_call(&REJECT);
            for one in some {
                let json = serde_json::to_string(one).map_err(|error| self.failed(error))?;
                call.arg(&one.id)
                    .arg(one.tenant.as_ref().map_or("", TenantId::as_str));
                call.arg(one.at.0).arg(json);
            }
            self.run::<i64>(&REJECT, &call).await?;
        }
        Ok(())
    }

    pub(super) async fn list_rejected(
        &self,
        filter: &RejectedFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Rejected>> {
        let list = match filter {
            RejectedFilter::All => keys::rejected(),
            RejectedFilter::Tenant(tenant) => keys::rejected_of(Some(tenant)),
            RejectedFilter::Unassigned => keys::rejected_of(None),
            RejectedFilter::Id(id) => return self.one_rejected(id).await,
        };
        let behind = cursor.map(read_cursor).transpose()?;
        let mut positions = self
            .rejected_positions(&list, behind.as_ref(), limit + 1)
            .await?;
        let more = positions.len() > limit;
        positions.truncate(limit);
        let (items, shown) = self.rejected_values(&positions).await?;
        let next_cursor = positions[..shown]
            .last()
            .filter(|_| more || shown < positions.len());
        let next_cursor = next_cursor.map(|(score, id)| Cursor(format!("{score}.{id}")));
        Ok(Page { items, next_cursor })
    }

    async fn one_rejected(&self, id: &str) -> Result<Page<Rejected>> {
        let (items, _) = self.rejected_values(&[(0, id.to_owned())]).await?;
        Ok(Page {
            items,
            next_cursor: None,
        })
    }

    /// Returns the first `count` positions of a list after a score and id.
    async fn rejected_positions(
        &self,
        list: &str,
        behind: Option<&Position>,
        count: usize,
    ) -> Result<Vec<Position>> {
        let newest = behind.map_or("+inf".into(), |(score, _)| score.to_string());
        let is_next = |position: &Position| behind.is_none_or(|behind| position < behind);
        self.positions(list, ("-inf", &newest), is_next, count)
            .await
    }

    /// Returns the events at the first of these positions, about [`PAGE_BYTES`] of them, and the
    /// number of positions that were read.
    async fn rejected_values(&self, positions: &[Position]) -> Result<(Vec<Rejected>, usize)> {
        let (mut items, mut shown, mut bytes) = (Vec::new(), 0, 0);
        for some in positions.chunks(VALUES_AT_A_TIME) {
            let values = self.rejected_at(some).await?;
            shown += some.len();
            for value in values.iter().flatten() {
                bytes += value.len();
                items.push(self.read_rejected(value)?);
            }
            if bytes > PAGE_BYTES {
                break;
            }
        }
        Ok((items, shown))
    }

    /// Returns the values of a few rejected events; `None` for one that does not exist any more.
    pub(super) async fn rejected_at(&self, positions: &[Position]) -> Result<Vec<Option<String>>> {
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("HMGET");
        command.arg(keys::rejected_values());
        for (_, id) in positions {
            command.arg(id);
        }
        self.query(&command).await
    }

    /// Returns the value of a rejected event, if it exists.
    pub(super) async fn rejected_value(&self, id: &str) -> Result<Option<String>> {
        let values = self.rejected_at(&[(0, id.to_owned())]).await?;
        Ok(values.into_iter().flatten().next())
    }

    pub(super) fn read_rejected(&self, value: &str) -> Result<Rejected> {
        let (_, json) = value.split_once(' ').unwrap_or_default();
        serde_json::from_str(json).map_err(|error| self.failed(error))
    }

    pub(super) async fn take_rejected_event(&self, id: &str) -> Result<Option<Rejected>> {
        let mut call = shared_call(&TAKE_REJECTED);
        call.arg(id);
        let value: Option<String> = self.run(&TAKE_REJECTED, &call).await?;
        value.map(|value| self.read_rejected(&value)).transpose()
    }

    /// Deletes a part of the events that were rejected before a moment. Returns whether there are
    /// more.
    pub(super) async fn prune_rejected_before(&self, before: Millis) -> Result<bool> {
        let before = first_score(before).to_string();
        self.prune_rejected_some(&before, "").await
    }

    /// Deletes all rejected events of a tenant.
    pub(super) async fn delete_rejected_of(&self, tenant: &TenantId) -> Result<()> {
        while self.prune_rejected_some("+inf", tenant.as_str()).await? {}
        Ok(())
    }

    async fn prune_rejected_some(&self, before: &str, tenant: &str) -> Result<bool> {
        let mut call = shared_call(&PRUNE_REJECTED);
        call.arg(before).arg(AT_A_TIME).arg(tenant);
        let (_, more): (u64, bool) = self.run(&PRUNE_REJECTED, &call).await?;
        Ok(more)
    }
}

fn read_cursor(cursor: &Cursor) -> Result<Position> {
    let parts = || {
        let (score, id) = cursor.0.split_once('.')?;
        Some((score.parse().ok()?, id.to_owned()))
    };
    parts().ok_or_else(|| StoreError::Cursor(cursor.0.chars().take(80).collect()))
}
