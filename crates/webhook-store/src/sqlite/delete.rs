//! Deletes events and deliveries, and what refers to them in memory.

use rusqlite::{OptionalExtension, Params};

use super::job::{FaultResult, Tx};
use super::queue::Effect;
use super::row::delivery_hash;

/// Deletes events by a statement that returns their hashes and keys. Returns their number.
pub(super) fn events(tx: &mut Tx<'_>, statement: &str, values: impl Params) -> FaultResult<usize> {
    let mut delete = tx.sql.prepare_cached(statement)?;
    let deleted = delete.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let deleted: Vec<(i64, i64)> = deleted.collect::<Result<_, _>>()?;
    for (hash, key) in &deleted {
        let (hash, key) = (*hash, *key);
        tx.then(Effect::IdRemoved { hash, key });
    }
    Ok(deleted.len())
}

pub(super) fn event(tx: &mut Tx<'_>, key: i64) -> FaultResult<()> {
    events(
        tx,
        "DELETE FROM events WHERE key = ?1 RETURNING hash, key",
        [key],
    )
    .map(drop)
}

pub(super) fn delivery(tx: &mut Tx<'_>, seq: i64) -> FaultResult<()> {
    let mut delete = tx
        .sql
        .prepare_cached("DELETE FROM deliveries WHERE seq = ?1 RETURNING id")?;
    let hash = delete.query_row([seq], |row| Ok(delivery_hash(row.get_ref(0)?)));
    if let Some(hash) = hash.optional()? {
        tx.then(Effect::IdRemoved { hash, key: seq });
    }
    Ok(())
}
