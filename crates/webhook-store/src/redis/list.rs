//! Lists deliveries, the newest first.
//!
//! Every endpoint has a sorted set of its deliveries by creation, and one of its dead deliveries. A
//! list over several endpoints merges theirs. Other states, types and statuses have no set: the list is
//! filtered, some hundred deliveries at a time, until the page is full or enough were examined.

use std::cmp::Reverse;

use webhook_model::{Delivery, DeliveryId, DeliveryState, EndpointId, TenantId};

use super::RedisStore;
use super::keys::TenantKeys;
use super::positions::Position;
use super::record::Record;
use super::scores::first_score;
use super::store::{AT_A_TIME, all};
use crate::{Cursor, DeliveryFilter, MAX_EXAMINED, Page, Result, StoreError};

/// A position in a list: by score, then by id, both descending.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ListPosition {
    score: u64,
    id: DeliveryId,
}

type Selected = Page<(DeliveryId, Record)>;

impl RedisStore {
    pub(super) async fn list_deliveries(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Delivery>> {
        let page = self.select(tenant, filter, cursor, limit).await?;
        let items = self.to_deliveries(tenant, page.items).await?;
        Ok(Page {
            items,
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
    ) -> Result<Selected> {
        let behind = cursor.map(ListPosition::read).transpose()?;
        if let Some(ids) = self.named(tenant, filter).await? {
            let found = self.records(tenant, ids).await?;
            let found = self.of_kind(tenant, filter, found).await?;
            return Ok(page_of(found, filter, behind, limit));
        }
        let lists = self.lists(tenant, filter).await?;
        let mut position = behind;
        let mut items: Vec<(DeliveryId, Record)> = Vec::new();
        let mut examined = 0;
        loop {
            // One more than the page shows whether there is a next page.
            let missing = limit + 1 - items.len();
            let count = if is_filtered(filter) {
                AT_A_TIME.max(missing)
            } else {
                missing
            };
            let positions = self
                .merged(&lists, filter, position.as_ref(), count)
                .await?;
            let ended = positions.len() < count;
            position = positions.last().cloned().or(position);
            let ids = positions.into_iter().map(|position| position.id).collect();
            let mut found = self.records(tenant, ids).await?;
            found.retain(|(_, record)| selects(filter, record));
            items.extend(self.of_kind(tenant, filter, found).await?);
            if ended || items.len() > limit {
                return Ok(cut(items, limit));
            }
            examined += count;
            if examined >= MAX_EXAMINED {
                return Ok(Page {
                    items,
                    next_cursor: position.map(|position| position.cursor()),
                });
            }
        }
    }

    /// Returns those of the deliveries whose event has the type that the filter names.
    async fn of_kind(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        found: Vec<(DeliveryId, Record)>,
    ) -> Result<Vec<(DeliveryId, Record)>> {
        let Some(kind) = &filter.kind else {
            return Ok(found);
        };
        let call =
            |(_, record): &'_ (DeliveryId, Record)| self.event_head(tenant, record.event.clone());
        let events = all(found.iter().map(call).collect()).await?;
        let with_events = found.into_iter().zip(events);
        Ok(with_events
            .filter(|(_, head)| head.as_ref().is_some_and(|head| head.event.kind == *kind))
            .map(|(found, _)| found)
            .collect())
    }

    /// Returns the deliveries that a filter names, if it names one delivery or an event.
    async fn named(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
    ) -> Result<Option<Vec<DeliveryId>>> {
        if let Some(id) = &filter.delivery {
            return Ok(Some(vec![id.clone()]));
        }
        let Some(event) = &filter.event else {
            return Ok(None);
        };
        let stored = self.find_event(tenant, event).await?;
        Ok(Some(
            stored.map(|stored| stored.deliveries).unwrap_or_default(),
        ))
    }

    /// Returns the keys of the sorted sets that contain the matching deliveries.
    async fn lists(&self, tenant: &TenantId, filter: &DeliveryFilter) -> Result<Vec<String>> {
        let keys = TenantKeys::of(tenant);
        let endpoints = match &filter.endpoint {
            Some(endpoint) => vec![endpoint.clone()],
            None => {
                let mut command = redis::cmd("SMEMBERS");
                command.arg(keys.planned_for());
                let ids: Vec<String> = self.query(&command).await?;
                ids.iter()
                    .filter_map(|id| EndpointId::parse(id).ok())
                    .collect()
            }
        };
        let list = |endpoint: &EndpointId| match filter.state {
            Some(DeliveryState::Dead) => keys.dead(endpoint),
            _ => keys.created(endpoint),
        };
        Ok(endpoints.iter().map(list).collect())
    }

    /// Returns the first `count` positions of all lists after `behind`.
    async fn merged(
        &self,
        lists: &[String],
        filter: &DeliveryFilter,
        behind: Option<&ListPosition>,
        count: usize,
    ) -> Result<Vec<ListPosition>> {
        let call = |list: &'_ String| self.of_list(list.clone(), filter, behind, count);
        let mut positions = all(lists.iter().map(call).collect()).await?.concat();
        positions.sort_by(|one, other| other.cmp(one));
        positions.truncate(count);
        Ok(positions)
    }

    async fn of_list(
        &self,
        list: String,
        filter: &DeliveryFilter,
        behind: Option<&ListPosition>,
        count: usize,
    ) -> Result<Vec<ListPosition>> {
        let newest = match (behind, filter.to) {
            (Some(position), _) => position.score.to_string(),
            (None, Some(to)) => format!("({}", first_score(to)),
            (None, None) => "+inf".into(),
        };
        let oldest = filter
            .from
            .map_or("-inf".into(), |from| first_score(from).to_string());
        let is_next = |position: &Position| {
            ListPosition::of(position)
                .is_some_and(|position| behind.is_none_or(|behind| position < *behind))
        };
        let range = (&*oldest, &*newest);
        let positions = self.positions(&list, range, is_next, count).await?;
        Ok(positions.iter().filter_map(ListPosition::of).collect())
    }
}

impl ListPosition {
    fn of((score, id): &Position) -> Option<Self> {
        Some(Self {
            score: *score,
            id: DeliveryId::parse(id).ok()?,
        })
    }

    fn cursor(&self) -> Cursor {
        Cursor(format!("{}.{}", self.score, self.id))
    }

    fn read(cursor: &Cursor) -> Result<Self> {
        let parts = || {
            let (score, id) = cursor.0.split_once('.')?;
            Some(Self {
                score: score.parse().ok()?,
                id: DeliveryId::parse(id).ok()?,
            })
        };
        parts().ok_or_else(|| StoreError::Cursor(cursor.0.chars().take(80).collect()))
    }
}

/// Returns whether records must be read to decide which deliveries match.
fn is_filtered(filter: &DeliveryFilter) -> bool {
    filter.kind.is_some()
        || filter.status.is_some()
        || !matches!(filter.state, None | Some(DeliveryState::Dead))
}

fn selects(filter: &DeliveryFilter, record: &Record) -> bool {
    filter.state.is_none_or(|state| record.state() == state)
        && filter
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
        && filter
            .status
            .is_none_or(|status| status.selects(&record.attempts))
}

/// Returns a page of deliveries that were all read already.
fn page_of(
    mut found: Vec<(DeliveryId, Record)>,
    filter: &DeliveryFilter,
    behind: Option<ListPosition>,
    limit: usize,
) -> Selected {
    let position = |id: &DeliveryId, record: &Record| ListPosition {
        score: record.score,
        id: id.clone(),
    };
    found.retain(|(id, record)| {
        let is_behind = behind
            .as_ref()
            .is_none_or(|behind| position(id, record) < *behind);
        is_behind && selects(filter, record)
    });
    found.sort_by_cached_key(|(id, record)| Reverse(position(id, record)));
    cut(found, limit)
}

/// Returns the first `limit` deliveries, with the cursor of the next page.
fn cut(mut items: Vec<(DeliveryId, Record)>, limit: usize) -> Selected {
    let more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| more);
    let next_cursor = last.map(|(id, record)| {
        ListPosition {
            score: record.score,
            id: id.clone(),
        }
        .cursor()
    });
    Page { items, next_cursor }
}
