//! Positions in lists, and the cursors between pages.

use super::row::DeliveryKey;
use crate::{Cursor, Page, StoreError};

/// A position in a list of deliveries: by the time of planning, then in the order of planning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub at: i64,
    pub key: DeliveryKey,
}

impl Mark {
    pub const TOP: Self = Self {
        at: i64::MAX,
        key: DeliveryKey {
            event: i64::MAX,
            endpoint: i32::MAX,
        },
    };
    pub const BOTTOM: Self = Self {
        at: i64::MIN,
        key: DeliveryKey {
            event: i64::MIN,
            endpoint: i32::MIN,
        },
    };

    /// Returns the position from which a list continues.
    pub fn below(cursor: Option<&Cursor>) -> Result<Self, StoreError> {
        cursor.map_or(Ok(Self::TOP), Self::read)
    }

    /// Returns the position from which a list continues that starts with the oldest.
    pub fn above(cursor: Option<&Cursor>) -> Result<Self, StoreError> {
        cursor.map_or(Ok(Self::BOTTOM), Self::read)
    }

    fn read(cursor: &Cursor) -> Result<Self, StoreError> {
        let [at, event, endpoint] = numbers('d', cursor)?;
        let invalid = |_| invalid(cursor);
        Ok(Self {
            at,
            key: DeliveryKey {
                event,
                endpoint: i32::try_from(endpoint).map_err(invalid)?,
            },
        })
    }

    pub fn cursor(&self) -> Cursor {
        let DeliveryKey { event, endpoint } = self.key;
        Cursor(format!("d{}-{event}-{endpoint}", self.at))
    }
}

/// Returns a page that ends early, at a position that was reached before the page was full.
pub(super) fn page_until<T>(items: Vec<(Mark, T)>, limit: usize, reached: Option<Mark>) -> Page<T> {
    let mut page = page(items, limit);
    if page.next_cursor.is_none() {
        page.next_cursor = reached.map(|mark| mark.cursor());
    }
    page
}

/// Returns a page of `limit` deliveries; one more shows that there is a next page.
pub(super) fn page<T>(mut items: Vec<(Mark, T)>, limit: usize) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(|(mark, _)| mark.cursor());
    Page {
        items: items.into_iter().map(|(_, item)| item).collect(),
        next_cursor,
    }
}

/// Reads the numbers of a cursor of the list with this letter.
pub(super) fn numbers<const N: usize>(list: char, cursor: &Cursor) -> Result<[i64; N], StoreError> {
    let read = || {
        let parts = cursor.0.strip_prefix(list)?.split('-');
        let numbers: Option<Vec<i64>> = parts.map(|part| part.parse().ok()).collect();
        numbers?.try_into().ok()
    };
    read().ok_or_else(|| invalid(cursor))
}

fn invalid(cursor: &Cursor) -> StoreError {
    StoreError::Cursor(cursor.0.chars().take(80).collect())
}
