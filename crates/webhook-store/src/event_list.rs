//! Lists of a tenant's events, which merge the lists of accepted, planned and rejected ones.

use std::fmt::Display;
use std::str::FromStr;

use bytes::Bytes;
use webhook_model::{Event, EventId, EventState, Millis, Rejected, Source};

use crate::{Cursor, PAGE_BYTES, Page, StoreError};

/// The maximum number of events of each state that a call examines for a page.
pub const MAX_EXAMINED: usize = 512;

/// A filter of events. All fields that are set must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// The exact type.
    pub kind: Option<String>,
    pub state: Option<EventState>,
    pub source: Option<Source>,
    /// Accepted or rejected at this moment or later.
    pub from: Option<Millis>,
    /// Accepted or rejected before this moment.
    pub to: Option<Millis>,
}

/// An event of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedEvent {
    /// Accepted or planned.
    Kept(EventSummary),
    Rejected(Rejected),
}

/// An accepted or planned event without its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSummary {
    pub id: EventId,
    pub kind: String,
    /// The time that the publisher gave, else the time of acceptance.
    pub at: Millis,
    pub ordering_key: Option<String>,
    pub source: Source,
    pub accepted_at: Millis,
    pub state: EventState,
    /// True if its data was erased.
    pub erased: bool,
}

/// An accepted or planned event with its data, which is empty if it was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDetails {
    pub event: Event,
    pub accepted_at: Millis,
    pub state: EventState,
}

impl EventDetails {
    /// Returns the event without its data, and its data.
    #[must_use]
    pub fn into_parts(self) -> (EventSummary, Bytes) {
        let summary = EventSummary {
            id: self.event.id,
            kind: self.event.kind,
            at: self.event.at,
            ordering_key: self.event.ordering_key,
            source: self.event.source,
            accepted_at: self.accepted_at,
            state: self.state,
            erased: self.event.data.is_empty(),
        };
        (summary, self.event.data)
    }
}

impl EventFilter {
    /// Returns whether events of that state are listed.
    pub(crate) fn wants(&self, state: EventState) -> bool {
        self.state.is_none_or(|wanted| wanted == state)
    }

    /// Returns whether the type and the source of an event match.
    fn selects(&self, event: &ListedEvent) -> bool {
        let (kind, source) = match event {
            ListedEvent::Kept(event) => (Some(event.kind.as_bytes()), &event.source),
            ListedEvent::Rejected(event) => (
                event.field("type").map(|kind| &kind.bytes()[..]),
                &event.source,
            ),
        };
        self.source.as_ref().is_none_or(|wanted| wanted == source)
            && self
                .kind
                .as_ref()
                .is_none_or(|it| Some(it.as_bytes()) == kind)
    }
}

/// A position in the list: by time, at the same time the kept events before the rejected ones, then
/// by the key of the engine. Lists are in descending order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EventPosition<K> {
    /// The time in the unit of the engine.
    pub at: u64,
    pub is_kept: bool,
    pub key: K,
}

impl<K: Display + FromStr> EventPosition<K> {
    fn cursor(&self) -> Cursor {
        let list = if self.is_kept { 'k' } else { 'r' };
        Cursor(format!("e{list}{}-{}", self.at, self.key))
    }

    /// Parses the position of a cursor.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cursor`] with the start of its text.
    pub(crate) fn parse(cursor: &Cursor) -> Result<Self, StoreError> {
        let parts = || {
            let text = cursor.0.strip_prefix('e')?;
            let (is_kept, text) = match text.strip_prefix('k') {
                Some(text) => (true, text),
                None => (false, text.strip_prefix('r')?),
            };
            let (at, key) = text.split_once('-')?;
            Some(Self {
                at: at.parse().ok()?,
                is_kept,
                key: key.parse().ok()?,
            })
        };
        parts().ok_or_else(|| StoreError::Cursor(cursor.0.chars().take(80).collect()))
    }
}

/// A search for a page of a tenant's events, in an engine whose keys are numbers.
pub(crate) struct EventSearch<'a> {
    filter: &'a EventFilter,
    behind: Option<EventPosition<i64>>,
    limit: usize,
}

impl<'a> EventSearch<'a> {
    /// Creates a search behind a cursor.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cursor`] for a cursor of another list.
    pub(crate) fn new(
        filter: &'a EventFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            filter,
            behind: cursor.map(EventPosition::parse).transpose()?,
            limit,
        })
    }

    /// Returns the states whose lists are searched.
    pub(crate) fn states(&self) -> impl Iterator<Item = EventState> {
        let wanted = EventState::ALL.into_iter();
        wanted.filter(|state| self.filter.wants(*state))
    }

    /// Returns the time from which on events match.
    pub(crate) fn from(&self) -> i64 {
        self.filter.from.map_or(i64::MIN, |from| from.as_i64())
    }

    /// Returns the time and the key below which a list continues: that of the kept events, or that of
    /// the rejected ones.
    pub(crate) fn below(&self, is_kept: bool) -> (i64, i64) {
        let to = self.filter.to;
        let to = to.map_or((i64::MAX, i64::MAX), |to| (to.as_i64(), i64::MIN));
        let behind = self.behind.as_ref();
        let behind = behind.map_or((i64::MAX, i64::MAX), |behind| {
            let key = match (behind.is_kept, is_kept) {
                (true, false) => i64::MAX,
                (false, true) => i64::MIN,
                _ => behind.key,
            };
            (i64::try_from(behind.at).unwrap_or(i64::MAX), key)
        });
        to.min(behind)
    }

    /// Returns the number of events to read of a list: one more than a page has, unless some may not
    /// match.
    pub(crate) fn count(&self) -> usize {
        if self.filter.kind.is_none() && self.filter.source.is_none() {
            MAX_EXAMINED.min(self.limit.saturating_add(1))
        } else {
            MAX_EXAMINED
        }
    }

    /// Returns an empty scan of one list.
    pub(crate) fn scan(&self) -> Scan<'a, i64> {
        Scan::new(self.filter, self.limit)
    }
}

/// The part of a page that comes from the list of one state.
pub(crate) struct Scan<'a, K> {
    filter: &'a EventFilter,
    limit: usize,
    items: Vec<(EventPosition<K>, ListedEvent)>,
    examined: usize,
    bytes: usize,
    /// The last position that was examined; `None` at the end of the list.
    reached: Option<EventPosition<K>>,
}

impl<'a, K: Clone> Scan<'a, K> {
    pub(crate) fn new(filter: &'a EventFilter, limit: usize) -> Self {
        Self {
            filter,
            limit,
            items: Vec::new(),
            examined: 0,
            bytes: 0,
            reached: None,
        }
    }

    /// Examines the next event of the list, which is `None` if it does not exist any more. Its time
    /// is in the range of the filter. Returns false if that is enough for a page.
    pub(crate) fn examine(&mut self, at: EventPosition<K>, event: Option<ListedEvent>) -> bool {
        self.examined += 1;
        self.bytes += event.as_ref().map_or(0, rejected_bytes);
        if let Some(event) = event.filter(|event| self.filter.selects(event)) {
            self.items.push((at.clone(), event));
        }
        // One more item than the page shows that there is a next page.
        let is_enough = self.items.len() > self.limit
            || self.examined >= MAX_EXAMINED
            || self.bytes > PAGE_BYTES;
        self.reached = is_enough.then_some(at);
        !is_enough
    }

    /// Ends the part at the last position that was examined, although the list has more events.
    pub(crate) fn ends_early(&mut self, at: EventPosition<K>) {
        self.reached = Some(at);
    }
}

fn rejected_bytes(event: &ListedEvent) -> usize {
    let ListedEvent::Rejected(rejected) = event else {
        return 0;
    };
    let fields = rejected.fields.iter();
    fields
        .map(|(name, value)| name.bytes().len() + value.bytes().len())
        .sum()
}

/// Returns the page of up to `limit` items that the scans of all lists have found. It ends where any
/// scan has ended before the end of its list.
pub(crate) fn merge<K: Ord + Clone + Display + FromStr>(
    scans: Vec<Scan<'_, K>>,
    limit: usize,
) -> Page<ListedEvent> {
    let reached = scans.iter().filter_map(|scan| scan.reached.clone()).max();
    let found = scans.into_iter().flat_map(|scan| scan.items);
    let mut items: Vec<_> = found
        .filter(|(at, _)| reached.as_ref().is_none_or(|reached| at >= reached))
        .collect();
    items.sort_by(|(one, _), (other, _)| other.cmp(one));
    // An event that was planned between two scans is in both.
    items.dedup_by(|(one, _), (other, _)| one == other);
    let end = if items.len() > limit {
        items.truncate(limit);
        items.last().map(|(at, _)| at.clone())
    } else {
        reached
    };
    Page {
        items: items.into_iter().map(|(_, event)| event).collect(),
        next_cursor: end.map(|at| at.cursor()),
    }
}
