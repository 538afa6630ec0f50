//! The table of entries.

use rusqlite::Connection;

use crate::sqlite::queue::{Entry, Shared};

/// Returns the keys of rows whose ids may have this hash.
pub(in crate::sqlite) fn keys(
    sql: &Connection,
    shared: &Shared,
    hash: i64,
) -> rusqlite::Result<Vec<i64>> {
    // The memory first: an entry that is moved in between is found in the table.
    let mut keys = shared.lock().recent_ids.keys(hash);
    let mut found = sql.prepare_cached("SELECT key FROM ids WHERE hash = ?1")?;
    let mut rows = found.query([hash])?;
    while let Some(row) = rows.next()? {
        let key = row.get(0)?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

/// Inserts entries into the table, which must be in order.
pub(super) fn insert(sql: &Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    let mut insert = sql.prepare_cached("INSERT OR IGNORE INTO ids (hash, key) VALUES (?1, ?2)")?;
    entries
        .iter()
        .try_for_each(|entry| insert.execute(*entry).map(drop))
}

/// Records that the table has the entries of all keys up to this one.
pub(super) fn set_indexed_to(sql: &Connection, key: i64) -> rusqlite::Result<()> {
    let mut update = sql.prepare_cached("UPDATE counters SET indexed_to = ?1")?;
    update.execute([key]).map(drop)
}
