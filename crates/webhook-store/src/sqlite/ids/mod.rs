//! The keys of events and deliveries, by the hashes of their ids.
//!
//! Hashes are random. An index that every new row changes has a page to write for each of them, as
//! soon as it has more pages than a transaction has rows. So the entries of new rows are kept in
//! memory, and moved to the table `ids` many at a time, in the order of their hashes: a page is then
//! written once for many entries. Nothing is lost with the memory, because entries after
//! `counters.indexed_to` are read again from the rows at start.
//!
//! An entry may outlive its row, for instance if a transaction is rolled back. Callers compare the id
//! of the row.

mod load;
mod mover;
mod recent;

use rusqlite::Connection;

use super::job::Outcome;
use super::queue::Shared;

pub(super) use load::load;
pub(super) use mover::Mover;
pub(super) use recent::RecentIds;

/// A hash, and the key of an event or a delivery with an id of that hash.
pub(super) type Entry = (i64, i64);

/// All entries.
const ALL: std::ops::RangeInclusive<Entry> = (i64::MIN, i64::MIN)..=(i64::MAX, i64::MAX);

/// Returns the keys of rows whose ids may have this hash.
pub(super) fn keys(sql: &Connection, shared: &Shared, hash: i64) -> Outcome<Vec<i64>> {
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
fn insert(sql: &Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    let mut insert = sql.prepare_cached("INSERT OR IGNORE INTO ids (hash, key) VALUES (?1, ?2)")?;
    entries
        .iter()
        .try_for_each(|entry| insert.execute(*entry).map(drop))
}

/// Records that the table has the entries of all keys up to this one.
fn set_indexed_to(sql: &Connection, key: i64) -> rusqlite::Result<()> {
    let mut update = sql.prepare_cached("UPDATE counters SET indexed_to = ?1")?;
    update.execute([key]).map(drop)
}
