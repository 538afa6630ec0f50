//! Pages of lists, and the cursors between them.

use crate::{Cursor, Page, StoreError};

/// A position in a list: by time, then in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub at: i64,
    pub key: i64,
}

impl Mark {
    pub const TOP: Self = Self {
        at: i64::MAX,
        key: i64::MAX,
    };
    pub const BOTTOM: Self = Self {
        at: i64::MIN,
        key: i64::MIN,
    };

    /// Returns the position from which a list continues. Cursors start with the letter of their list.
    pub fn below(list: char, cursor: Option<&Cursor>) -> Result<Self, StoreError> {
        cursor.map_or(Ok(Self::TOP), |cursor| Self::read(list, cursor))
    }

    /// Returns the position from which a list continues that starts with the oldest.
    pub fn above(list: char, cursor: Option<&Cursor>) -> Result<Self, StoreError> {
        cursor.map_or(Ok(Self::BOTTOM), |cursor| Self::read(list, cursor))
    }

    fn read(list: char, cursor: &Cursor) -> Result<Self, StoreError> {
        let read = || {
            let (at, key) = cursor.0.strip_prefix(list)?.split_once('-')?;
            Some(Self {
                at: at.parse().ok()?,
                key: key.parse().ok()?,
            })
        };
        read().ok_or_else(|| StoreError::Cursor(cursor.0.chars().take(80).collect()))
    }

    /// Returns the cursor of the position.
    pub fn cursor(self, list: char) -> Cursor {
        Cursor(format!("{list}{}-{}", self.at, self.key))
    }
}

/// Returns a page that ends early, at a position that was reached before the page was full.
pub(super) fn page_until<T>(
    list: char,
    items: Vec<(Mark, T)>,
    limit: usize,
    reached: Option<Mark>,
) -> Page<T> {
    let mut page = page(list, items, limit);
    if page.next_cursor.is_none() {
        page.next_cursor = reached.map(|mark| mark.cursor(list));
    }
    page
}

/// Returns a page of `limit` items; one more item shows that there is a next page.
pub(super) fn page<T>(list: char, mut items: Vec<(Mark, T)>, limit: usize) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| more);
    let next_cursor = last.map(|(mark, _)| mark.cursor(list));
    Page {
        items: items.into_iter().map(|(_, item)| item).collect(),
        next_cursor,
    }
}
