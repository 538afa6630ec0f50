//! Positions in the lists of audit entries and sessions, which all engines order by id: ids sort by time.

use webhook_model::{AuditId, SessionId};

use crate::error::Result;
use crate::{AuditFilter, Cursor, Page, StoreError};

/// The number of rows that a call deletes.
pub(crate) const AT_A_TIME: usize = 500;

/// A text behind every id of an entry or a session.
const TOP: &str = "~";

/// Returns the range of ids that a filter selects behind a cursor: from the first, below the second.
pub(crate) fn audit_range(
    filter: &AuditFilter,
    cursor: Option<&Cursor>,
) -> Result<(String, String)> {
    let from = filter.from.map(AuditId::prefix).unwrap_or_default();
    let to = filter.to.map_or_else(|| TOP.to_owned(), AuditId::prefix);
    let Some(cursor) = cursor else {
        return Ok((from, to));
    };
    let last = read_cursor(cursor, "a", "aud_")?;
    Ok((from, to.min(last)))
}

/// Returns the id below which a list of sessions continues.
pub(crate) fn session_bound(cursor: Option<&Cursor>) -> Result<String> {
    match cursor {
        None => Ok(TOP.to_owned()),
        Some(cursor) => read_cursor(cursor, "s", "ses_"),
    }
}

fn read_cursor(cursor: &Cursor, list: &str, prefix: &str) -> Result<String> {
    let id = cursor.0.strip_prefix(list);
    let is_id = |id: &&str| id.starts_with(prefix) && SessionId::parse(id).is_ok();
    let invalid = || StoreError::Cursor(cursor.0.chars().take(80).collect());
    id.filter(is_id).map(str::to_owned).ok_or_else(invalid)
}

/// Returns a page of `limit` items; one more item shows that there is a next page.
pub(crate) fn page<T>(
    list: &str,
    mut items: Vec<T>,
    limit: usize,
    id: impl Fn(&T) -> &str,
) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| more);
    Page {
        next_cursor: last.map(|last| Cursor(format!("{list}{}", id(last)))),
        items,
    }
}
