//! Reads events and lists of events.
//!
//! A tenant has two sorted sets of events by the time of acceptance, one of the accepted and one of
//! the planned ones. An event keeps its score when it moves from one to the other.

use webhook_model::{EventId, EventState, TenantId};

use super::RedisStore;
use super::keys::{self, TenantKeys};
use super::lookup::EventHead;
use super::positions::Position;
use super::rejected::VALUES_AT_A_TIME;
use super::scores::{first_score, time_of};
use crate::event_list::{EventPosition, Scan, merge};
use crate::{Cursor, EventDetails, EventFilter, EventSummary, ListedEvent, Page, Result};

/// The number of events whose positions, or whose records without data, are read at a time.
const HEADS_AT_A_TIME: usize = 256;

type ListPosition = EventPosition<String>;

/// A list of the events of a tenant in one state.
struct EventsOf<'a> {
    tenant: &'a TenantId,
    state: EventState,
    filter: &'a EventFilter,
    behind: Option<&'a ListPosition>,
    limit: usize,
}

impl RedisStore {
    pub(super) async fn find_event_details(
        &self,
        tenant: &TenantId,
        id: &EventId,
    ) -> Result<Option<EventDetails>> {
        let Some(stored) = self.find_event(tenant, id).await? else {
            return Ok(None);
        };
        // In this order: an event that is planned meanwhile is then found in the second set.
        for state in [EventState::Accepted, EventState::Planned] {
            if let Some(score) = self.score_of(tenant, id, state).await? {
                return Ok(Some(EventDetails {
                    event: stored.event,
                    accepted_at: time_of(score),
                    state,
                }));
            }
        }
        // It was stored by an earlier version.
        Ok(Some(EventDetails {
            event: stored.event,
            accepted_at: stored.planned_at,
            state: EventState::Planned,
        }))
    }

    async fn score_of(
        &self,
        tenant: &TenantId,
        id: &EventId,
        state: EventState,
    ) -> Result<Option<u64>> {
        let mut command = redis::cmd("ZSCORE");
        command.arg(TenantKeys::of(tenant).events(state));
        command.arg(id.as_str());
        let score: Option<f64> = self.query(&command).await?;
        // Scores are whole numbers below 2^53: see `scores.rs`.
        Ok(score.map(|score| score as u64))
    }

    pub(super) async fn list_events(
        &self,
        tenant: &TenantId,
        filter: &EventFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<ListedEvent>> {
        let behind = cursor.map(ListPosition::parse).transpose()?;
        let mut scans = Vec::new();
        // The accepted ones first: an event that is planned meanwhile is then in at least one list.
        let wanted = EventState::ALL.into_iter();
        for state in wanted.filter(|state| filter.wants(*state)) {
            let list = EventsOf {
                tenant,
                state,
                filter,
                behind: behind.as_ref(),
                limit,
            };
            scans.push(self.scan_events(&list).await?);
        }
        Ok(merge(scans, limit))
    }

    async fn scan_events<'a>(&self, list: &EventsOf<'a>) -> Result<Scan<'a, String>> {
        let mut scan = Scan::new(list.filter, list.limit);
        let mut behind = list.behind.cloned();
        loop {
            let count = list.at_a_time();
            let range = list.range(behind.as_ref());
            let is_next = |position: &Position| {
                let position = list.position(position);
                behind.as_ref().is_none_or(|behind| position < *behind)
            };
            let range = (&*range.0, &*range.1);
            let positions = self.positions(&list.key(), range, is_next, count).await?;
            for some in positions.chunks(list.records_at_a_time()) {
                let events = self.read_list(list, some).await?;
                for (position, event) in some.iter().zip(events) {
                    if !scan.examine(list.position(position), event) {
                        return Ok(scan);
                    }
                }
            }
            if positions.len() < count {
                return Ok(scan);
            }
            behind = positions.last().map(|last| list.position(last));
        }
    }

    /// Returns the event at each position, if it still exists.
    async fn read_list(
        &self,
        list: &EventsOf<'_>,
        positions: &[Position],
    ) -> Result<Vec<Option<ListedEvent>>> {
        if list.state == EventState::Rejected {
            let values = self.rejected_at(positions).await?.into_iter();
            let read = |value: Option<String>| {
                let rejected = value.map(|value| self.read_rejected(&value)).transpose()?;
                Ok(rejected.map(ListedEvent::Rejected))
            };
            return values.map(read).collect();
        }
        let id = |(_, id): &Position| EventId::parse(id).map_err(|error| self.failed(error));
        let ids: Vec<EventId> = positions.iter().map(id).collect::<Result<_>>()?;
        let kind = list.filter.kind.as_deref();
        let heads = self.event_heads(list.tenant, kind, &ids).await?;
        let listed = positions.iter().zip(heads);
        Ok(listed
            .map(|((score, _), head)| Some(list.kept(*score, head?)))
            .collect())
    }
}

impl EventsOf<'_> {
    fn key(&self) -> String {
        match self.state {
            EventState::Rejected => keys::rejected_of(Some(self.tenant)),
            kept => TenantKeys::of(self.tenant).events(kept),
        }
    }

    /// Returns the number of positions that are read at a time.
    fn at_a_time(&self) -> usize {
        if self.filter.kind.is_some() || self.filter.source.is_some() {
            return HEADS_AT_A_TIME;
        }
        // One more than the page shows that there is a next page.
        self.limit.saturating_add(1).min(HEADS_AT_A_TIME)
    }

    /// Returns the number of events whose records are read at a time.
    fn records_at_a_time(&self) -> usize {
        match self.state {
            // Each may be as large as an event can be.
            EventState::Rejected => VALUES_AT_A_TIME,
            _ => HEADS_AT_A_TIME,
        }
    }

    /// Returns the lowest and the highest score, in the form of Redis.
    fn range(&self, behind: Option<&ListPosition>) -> (String, String) {
        let from = self.filter.from.map(|from| first_score(from).to_string());
        let to = self.filter.to.map(first_score);
        let newest = match (behind, to) {
            (Some(behind), Some(to)) if behind.at >= to => format!("({to}"),
            (Some(behind), _) => behind.at.to_string(),
            (None, Some(to)) => format!("({to}"),
            (None, None) => "+inf".into(),
        };
        (from.unwrap_or("-inf".into()), newest)
    }

    fn position(&self, (score, id): &Position) -> ListPosition {
        ListPosition {
            at: *score,
            is_kept: self.state != EventState::Rejected,
            key: id.clone(),
        }
    }

    fn kept(&self, score: u64, head: EventHead) -> ListedEvent {
        let details = EventDetails {
            event: head.event,
            accepted_at: time_of(score),
            state: self.state,
        };
        let (summary, _) = details.into_parts();
        ListedEvent::Kept(EventSummary {
            erased: head.erased,
            ..summary
        })
    }
}
