//! Lists deliveries, the newest first.
//!
//! Every endpoint has sorted sets of its deliveries by creation: of all, of the dead ones, and of those
//! whose last attempt failed. A list over several endpoints merges theirs. Pending deliveries and those in
//! flight have sets in another order; if they are few, they are read whole. Other filters have no set: the
//! list is filtered by the server, some hundred deliveries at a time, until the page is full or enough were
//! examined.

use std::cmp::Reverse;

use webhook_model::{Delivery, DeliveryId, DeliveryState, EndpointId, TenantId};

use super::RedisStore;
use super::keys::TenantKeys;
use super::lookup::wanted_kind;
use super::merge::{ListPosition, Sets};
use super::record::Record;
use super::scores::first_score;
use super::scripts::{MATCHES, UNFINISHED};
use super::store::{AT_A_TIME, tenant_call};
use crate::{Cursor, DeliveryFilter, MAX_EXAMINED, Page, Result};

/// A delivery of a list.
pub(super) struct Listed {
    pub id: DeliveryId,
    /// Without the requests and responses of its attempts.
    pub record: Record,
    /// The type of its event; empty if the event was deleted.
    pub kind: String,
}

impl RedisStore {
    pub(super) async fn list_deliveries(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Delivery>> {
        let page = self.select(tenant, filter, cursor, limit).await?;
        let items = page.items.into_iter();
        Ok(Page {
            items: items
                .map(|it| it.record.into_delivery(it.id, it.kind))
                .collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// Returns the deliveries that match `filter`, at most `limit`, after `cursor`.
    pub(super) async fn select(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>> {
        let mut position = cursor.map(ListPosition::read).transpose()?;
        if let Some(ids) = self.few(tenant, filter).await? {
            let found = self.matching(tenant, filter, &ids).await?;
            return Ok(page_of(found, filter, position, limit));
        }
        let mut items = Vec::new();
        let mut examined = 0;
        for sets in self.sets(tenant, filter).await? {
            loop {
                // One more than the page shows whether there is a next page.
                let missing = limit + 1 - items.len();
                let count = if is_filtered(filter) {
                    AT_A_TIME.max(missing)
                } else {
                    missing
                };
                let positions = self.merged(&sets, position.as_ref(), count).await?;
                let ended = positions.len() < count;
                examined += positions.len();
                position = positions.last().cloned().or(position);
                let ids: Vec<_> = positions.into_iter().map(|it| it.id).collect();
                items.extend(self.matching(tenant, filter, &ids).await?);
                if items.len() > limit {
                    return Ok(cut(items, limit));
                }
                if ended {
                    break;
                }
                if examined >= MAX_EXAMINED {
                    return Ok(Page {
                        items,
                        next_cursor: position.map(|position| position.cursor()),
                    });
                }
            }
        }
        Ok(cut(items, limit))
    }

    /// Returns those of the deliveries that have the state, the status and the type that the filter names.
    async fn matching(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        ids: &[DeliveryId],
    ) -> Result<Vec<Listed>> {
        let mut all = Vec::new();
        for ids in ids.chunks(AT_A_TIME) {
            let mut call = tenant_call(&MATCHES, tenant);
            call.arg(filter.state.map(letters).unwrap_or_default());
            match filter.status.map(crate::StatusFilter::range) {
                Some((lowest, highest)) => call.arg(lowest).arg(highest),
                None => call.arg("").arg(""),
            };
            call.arg(wanted_kind(filter.kind.as_deref()));
            for id in ids {
                call.arg(id.as_str());
            }
            let found: Vec<(usize, Vec<u8>, Vec<u8>)> = self.run(&MATCHES, &call).await?;
            for (number, record, kind) in found {
                let Some(id) = number.checked_sub(1).and_then(|at| ids.get(at)) else {
                    continue;
                };
                let record = Record::read(id, &record).map_err(|error| self.failed(error))?;
                all.push(Listed {
                    id: id.clone(),
                    record: record.without_exchanges(),
                    kind: String::from_utf8_lossy(&kind).into_owned(),
                });
            }
        }
        Ok(all)
    }

    /// Returns all deliveries that may match, if they are few and known: those that a filter names by
    /// their id or their event, and those that have not ended.
    async fn few(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
    ) -> Result<Option<Vec<DeliveryId>>> {
        if let Some(id) = &filter.delivery {
            return Ok(Some(vec![id.clone()]));
        }
        if let Some(event) = &filter.event {
            let stored = self.find_event(tenant, event).await?;
            return Ok(Some(
                stored.map(|stored| stored.deliveries).unwrap_or_default(),
            ));
        }
        let what = match filter.state {
            Some(DeliveryState::Pending) => "P",
            Some(DeliveryState::InFlight) => "F",
            _ => return Ok(None),
        };
        let mut call = tenant_call(&UNFINISHED, tenant);
        let endpoint = filter.endpoint.as_ref().map_or("", |it| it.as_str());
        call.arg(what).arg(endpoint).arg(MAX_EXAMINED);
        let found: Vec<String> = self.run(&UNFINISHED, &call).await?;
        let Some((is_all, ids)) = found.split_first() else {
            return Ok(None);
        };
        let ids = ids.iter().filter_map(|id| DeliveryId::parse(id).ok());
        Ok((is_all == "1").then(|| ids.collect()))
    }

    /// Returns the sorted sets that contain the matching deliveries, those with the newest ones first.
    async fn sets(&self, tenant: &TenantId, filter: &DeliveryFilter) -> Result<Vec<Sets>> {
        let keys = TenantKeys::of(tenant);
        let endpoints = match &filter.endpoint {
            Some(endpoint) => vec![endpoint.clone()],
            None => self.endpoints_with_deliveries(&keys).await?,
        };
        let sets = |key: fn(&TenantKeys, &EndpointId) -> String, from: u64, to: u64| Sets {
            keys: endpoints.iter().map(|it| key(&keys, it)).collect(),
            from,
            to,
        };
        let from = filter.from.map_or(0, first_score);
        let to = filter.to.map_or(u64::MAX, first_score);
        if filter.state == Some(DeliveryState::Dead) {
            return Ok(vec![sets(TenantKeys::dead, from, to)]);
        }
        if !has_failed(filter) {
            return Ok(vec![sets(TenantKeys::created, from, to)]);
        }
        let mut command = redis::cmd("GET");
        command.arg(keys.failed_since());
        let since: Option<u64> = self.query(&command).await?;
        // Before the first outcome that this version records, no delivery is in those sets.
        let since = since.unwrap_or(u64::MAX);
        Ok(vec![
            sets(TenantKeys::failed, from.max(since), to),
            sets(TenantKeys::created, from, to.min(since)),
        ])
    }

    async fn endpoints_with_deliveries(&self, keys: &TenantKeys) -> Result<Vec<EndpointId>> {
        let mut command = redis::cmd("SMEMBERS");
        command.arg(keys.planned_for());
        let ids: Vec<String> = self.query(&command).await?;
        let ids = ids.iter().filter_map(|id| EndpointId::parse(id).ok());
        Ok(ids.collect())
    }
}

/// Returns the letters that the records of deliveries in a state have.
fn letters(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "PW",
        DeliveryState::InFlight => "F",
        DeliveryState::Succeeded => "S",
        DeliveryState::Dead => "D",
    }
}

/// Returns whether only deliveries match whose last attempt failed.
fn has_failed(filter: &DeliveryFilter) -> bool {
    let range = filter.status.map(crate::StatusFilter::range);
    range.is_some_and(|(lowest, highest)| highest < 200 || lowest > 299)
}

/// Returns whether records must be read to decide which deliveries match.
fn is_filtered(filter: &DeliveryFilter) -> bool {
    filter.kind.is_some()
        || filter.status.is_some()
        || !matches!(filter.state, None | Some(DeliveryState::Dead))
}

/// Returns whether a delivery, which has the state, the status and the type, matches the rest of a filter.
fn selects(filter: &DeliveryFilter, record: &Record) -> bool {
    filter
        .endpoint
        .as_ref()
        .is_none_or(|endpoint| record.endpoint == *endpoint)
        && filter
            .event
            .as_ref()
            .is_none_or(|event| record.event == *event)
        && filter
            .from
            .is_none_or(|from| record.score >= first_score(from))
        && filter.to.is_none_or(|to| record.score < first_score(to))
}

/// Returns a page of deliveries that were all read already.
fn page_of(
    mut found: Vec<Listed>,
    filter: &DeliveryFilter,
    behind: Option<ListPosition>,
    limit: usize,
) -> Page<Listed> {
    found.retain(|it| {
        let is_behind = behind.as_ref().is_none_or(|behind| it.position() < *behind);
        is_behind && selects(filter, &it.record)
    });
    found.sort_by_cached_key(|it| Reverse(it.position()));
    cut(found, limit)
}

/// Returns the first `limit` deliveries, with the cursor of the next page.
fn cut(mut items: Vec<Listed>, limit: usize) -> Page<Listed> {
    let more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| more);
    let next_cursor = last.map(|it| it.position().cursor());
    Page { items, next_cursor }
}

impl Listed {
    fn position(&self) -> ListPosition {
        ListPosition {
            score: self.record.score,
            id: self.id.clone(),
        }
    }
}
