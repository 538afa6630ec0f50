//! Reads at start the entries that are not in the table.

use rusqlite::Connection;

use super::table::{insert, set_indexed_to};
use crate::sqlite::queue::{ALL, RecentIds};
use crate::sqlite::row::delivery_hash;

/// The most keys whose entries are read at once. More are after the last indexed one only if the
/// file was written by a version that had no table of ids.
const WINDOW: i64 = 1 << 20;

/// Adds the entries of all rows that the table lacks. Returns the last key that is in use or was
/// indexed: a key up to that one would not be read at the next start.
pub(in crate::sqlite) fn load(
    sql: &mut Connection,
    recent: &mut RecentIds,
    last_key: i64,
) -> rusqlite::Result<i64> {
    load_in(sql, recent, last_key, WINDOW)
}

fn load_in(
    sql: &mut Connection,
    recent: &mut RecentIds,
    last_key: i64,
    window: i64,
) -> rusqlite::Result<i64> {
    let mut indexed_to: i64 =
        sql.query_row("SELECT indexed_to FROM counters", [], |row| row.get(0))?;
    while indexed_to < last_key.saturating_sub(window) {
        let mut part = RecentIds::default();
        let end = indexed_to + window;
        read(sql, &mut part, indexed_to, end)?;
        let entries = part.added(ALL, end, usize::MAX);
        let tx = sql.transaction()?;
        insert(&tx, &entries)?;
        set_indexed_to(&tx, end)?;
        tx.commit()?;
        indexed_to = end;
    }
    read(sql, recent, indexed_to, i64::MAX)?;
    Ok(last_key.max(indexed_to))
}

/// Reads the entries of the keys after `after`, up to `end`.
fn read(sql: &Connection, recent: &mut RecentIds, after: i64, end: i64) -> rusqlite::Result<()> {
    let mut events = sql.prepare("SELECT hash, key FROM events WHERE key > ?1 AND key <= ?2")?;
    let mut rows = events.query((after, end))?;
    while let Some(row) = rows.next()? {
        recent.add((row.get(0)?, row.get(1)?));
    }
    let mut deliveries =
        sql.prepare("SELECT id, seq FROM deliveries WHERE seq > ?1 AND seq <= ?2")?;
    let mut rows = deliveries.query((after, end))?;
    while let Some(row) = rows.next()? {
        recent.add((delivery_hash(row.get_ref(0)?), row.get(1)?));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::ids::keys;
    use crate::sqlite::open::open;
    use crate::sqlite::queue::Shared;

    /// The number of events. Each has one delivery, whose key follows its own.
    const EVENTS: i64 = 10;
    const LAST: i64 = 2 * EVENTS;

    fn file(folder: &tempfile::TempDir) -> Connection {
        let sql = open(&folder.path().join("sender.db")).unwrap().writer;
        for key in (1..=LAST).step_by(2) {
            let event = "INSERT INTO events
                (key, hash, tenant, deliveries, accepted_at, at, id, kind, data)
                VALUES (?1, ?1 * 100, 1, 1, 0, 0, 'a', 'b', x'')";
            sql.execute(event, [key]).unwrap();
            let delivery = "INSERT INTO deliveries
                (seq, tenant, endpoint, event, state, at, created_at, made, id)
                VALUES (?1 + 1, 1, 1, ?1, 2, 0, 0, 1, ?2)";
            sql.execute(delivery, (key, digest(key + 1))).unwrap();
        }
        sql
    }

    /// Returns the stored id of a delivery whose hash is 100 times its key.
    fn digest(seq: i64) -> Vec<u8> {
        [(seq * 100).to_be_bytes(), [0; 8]].concat()
    }

    fn found(sql: &Connection, shared: &Shared) -> Vec<i64> {
        let found = (1..=LAST).flat_map(|key| keys(sql, shared, key * 100).unwrap());
        found.collect()
    }

    fn in_table(sql: &Connection) -> i64 {
        let count = "SELECT count(*) FROM ids";
        sql.query_row(count, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn every_row_of_a_file_without_the_table_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (mut sql, shared) = (file(&folder), Shared::default());
        let mut recent = RecentIds::default();
        let window = 6;
        assert_eq!(load_in(&mut sql, &mut recent, LAST, window).unwrap(), LAST);
        shared.lock().recent_ids = recent;
        assert_eq!(found(&sql, &shared), (1..=LAST).collect::<Vec<_>>());
        assert_eq!(
            in_table(&sql),
            LAST - 2,
            "more than a window is not kept in memory"
        );
    }

    #[test]
    fn only_rows_that_are_not_in_the_table_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut sql = file(&folder);
        set_indexed_to(&sql, LAST - 3).unwrap();
        let mut recent = RecentIds::default();
        load(&mut sql, &mut recent, LAST).unwrap();
        assert_eq!(recent.len(), 3);
    }

    #[test]
    fn no_key_is_used_again_below_the_last_indexed_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut sql = file(&folder);
        set_indexed_to(&sql, LAST + 5).unwrap();
        let mut recent = RecentIds::default();
        let last_key = load(&mut sql, &mut recent, LAST).unwrap();
        assert_eq!(last_key, LAST + 5);
    }
}
