//! Removes the data of deleted tenants and endpoints, in bounded steps.

use rusqlite::Connection;

use super::delete;
use super::job::{FaultResult, Tx};
use super::outcome_counts::{self, DeadCounts};
use super::queue::Effect;
use super::row::{DELETED, millis, state};

/// The maximum number of deliveries in a step.
const PART: usize = 500;

/// Removes data of a deleted tenant. Returns whether that was all.
pub(super) fn tenant(tx: &mut Tx<'_>, tenant: i64) -> FaultResult<bool> {
    let mut some = tx
        .sql
        .prepare_cached("SELECT seq, event, state FROM deliveries WHERE tenant = ?1 LIMIT ?2")?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let part: Vec<(i64, i64, i64)> = some
        .query_map((tenant, PART as i64), read)?
        .collect::<Result<_, _>>()?;
    for (seq, event, state) in &part {
        delete::delivery(tx, *seq)?;
        delete::event(tx, *event)?;
        let dead = -i64::from(*state == state::DEAD);
        let pending = -i64::from(*state < state::SUCCEEDED);
        tx.then(Effect::Counted { pending, dead });
    }
    if part.len() == PART {
        return Ok(false);
    }
    rest(tx, tenant)?;
    Ok(true)
}

/// Removes the rest of a deleted tenant that has no deliveries any more.
fn rest(tx: &mut Tx<'_>, tenant: i64) -> FaultResult<()> {
    let sql = tx.sql;
    let without_deliveries =
        "DELETE FROM events WHERE deliveries = 0 AND tenant = ?1 RETURNING hash, key";
    delete::events(tx, without_deliveries, [tenant])?;
    let accepted = "DELETE FROM events WHERE key IN (SELECT event FROM accepted WHERE tenant = ?1)
        RETURNING hash, key";
    delete::events(tx, accepted, [tenant])?;
    sql.execute("DELETE FROM accepted WHERE tenant = ?1", [tenant])?;
    let rejected = sql.execute("DELETE FROM rejected WHERE tenant = ?1", [tenant])?;
    tx.then(Effect::Counted {
        pending: 0,
        dead: -(rejected as i64),
    });
    outcome_counts::delete_of_tenant(sql, tenant)?;
    sql.execute("DELETE FROM endpoints WHERE tenant = ?1", [tenant])?;
    sql.execute("DELETE FROM tenants WHERE key = ?1", [tenant])?;
    Ok(())
}

/// A deleted endpoint.
pub(super) struct Deleted {
    pub endpoint: i64,
    /// The last key at the deletion. Later deliveries belong to another endpoint of the same id.
    pub last_key: i64,
    pub at: i64,
}

/// Buries pending deliveries of a deleted endpoint. Returns whether that was all.
pub(super) fn endpoint(tx: &mut Tx<'_>, deleted: &Deleted) -> FaultResult<bool> {
    let mut part = Vec::new();
    for text in [
        "SELECT seq FROM deliveries INDEXED BY deliveries_due
         WHERE endpoint = ?1 AND state = 0 AND seq <= ?2",
        "SELECT seq FROM deliveries INDEXED BY deliveries_chained
         WHERE endpoint = ?1 AND chain IS NOT NULL AND state < 2 AND state = 1 AND seq <= ?2",
    ] {
        let mut some = tx.sql.prepare_cached(text)?;
        let mut rows = some.query((deleted.endpoint, deleted.last_key))?;
        while let (Some(row), true) = (rows.next()?, part.len() < PART) {
            let seq: i64 = row.get(0)?;
            // The outcome of a delivery in flight decides whether it is buried.
            if !tx.is_in_flight(seq) {
                part.push(seq);
            }
        }
    }
    let mut bury = tx
        .sql
        .prepare_cached("UPDATE deliveries SET state = 3, reason = ?2, at = ?3 WHERE seq = ?1")?;
    let mut counts = DeadCounts::default();
    for seq in &part {
        bury.execute((seq, DELETED, deleted.at))?;
        counts.add(deleted.endpoint);
        tx.then(Effect::Counted {
            pending: -1,
            dead: 1,
        });
    }
    counts.write(tx.sql, millis(deleted.at))?;
    Ok(part.len() < PART)
}

/// Returns the deletions that an earlier process left unfinished: deleted tenants, and deleted
/// endpoints with pending deliveries.
pub(super) fn unfinished(sql: &Connection) -> FaultResult<(Vec<i64>, Vec<Deleted>)> {
    let mut tenants = sql.prepare("SELECT key FROM tenants WHERE id IS NULL")?;
    let tenants = tenants
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut endpoints = sql.prepare(
        "SELECT key, coalesce(deleted_at, 0) FROM endpoints p WHERE definition IS NULL AND (
             EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_due
                     WHERE endpoint = p.key AND state = 0)
             OR EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_chained
                        WHERE endpoint = p.key AND chain IS NOT NULL AND state < 2))",
    )?;
    let deleted = |row: &rusqlite::Row<'_>| {
        Ok(Deleted {
            endpoint: row.get(0)?,
            last_key: i64::MAX,
            at: row.get(1)?,
        })
    };
    let endpoints = endpoints
        .query_map([], deleted)?
        .collect::<Result<_, _>>()?;
    Ok((tenants, endpoints))
}
