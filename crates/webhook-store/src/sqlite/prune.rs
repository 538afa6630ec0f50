//! Deletes what ended long ago, and returns free pages to the file system.

use rusqlite::{Connection, OptionalExtension, Row};
use webhook_model::Millis;

use super::delete;
use super::job::{FaultResult, Tx};
use super::outcome_counts;
use super::page::Mark;
use super::queue::Effect;
use super::row::state;
use crate::IDEMPOTENCY;

/// The maximum number of deliveries that a call reads.
const PART: usize = 1_000;

/// The number of free pages that are kept for new rows.
const SPARE: i64 = 2_048;

/// The number of pages that a call returns to the file system.
const GIVE_BACK: u32 = 512;

/// The moments before which data is deleted.
#[derive(Clone, Copy)]
pub(super) struct PruneCutoff {
    pub succeeded: Millis,
    pub dead: Millis,
    /// The latest time that any call passed.
    pub now: Millis,
}

/// The progress through all deliveries: tenant after tenant, the oldest first. After the last tenant
/// it starts again, for deliveries that have ended since.
pub(super) struct PruneCursor {
    tenant: i64,
    reached: Mark,
}

impl Default for PruneCursor {
    fn default() -> Self {
        Self {
            tenant: 0,
            reached: Mark::BOTTOM,
        }
    }
}

struct Ended {
    event: i64,
    state: i64,
    at: i64,
}

impl PruneCursor {
    /// Deletes a bounded part. Returns whether there may be more to delete.
    pub fn step(&mut self, tx: &mut Tx<'_>, before: PruneCutoff) -> FaultResult<bool> {
        let more = self.deliveries(tx, before)?;
        let bare = prune_bare_events(tx, before)?;
        let rejected = prune_rejected(tx, before)?;
        let counts = outcome_counts::prune(tx, before.now)?;
        shrink(tx.sql)?;
        Ok(more || bare || rejected || counts)
    }

    fn deliveries(&mut self, tx: &mut Tx<'_>, before: PruneCutoff) -> FaultResult<bool> {
        let mut left = PART;
        while left > 0 {
            let seen = self.of_tenant(tx, before, left)?;
            if seen < left && !self.next_tenant(tx.sql)? {
                return Ok(false);
            }
            // Tenants without deliveries take time too.
            left -= seen.max(1);
        }
        Ok(true)
    }

    /// Reads up to `count` deliveries of a tenant, and deletes old ones. Returns the number read.
    fn of_tenant(
        &mut self,
        tx: &mut Tx<'_>,
        before: PruneCutoff,
        count: usize,
    ) -> FaultResult<usize> {
        // No delivery ends before its creation.
        let end = before.succeeded.max(before.dead).as_i64();
        let mut next = tx.sql.prepare_cached(
            "SELECT created_at, seq, event, state, at FROM deliveries INDEXED BY deliveries_by_tenant
             WHERE tenant = ?1 AND created_at < ?2 AND (created_at, seq) > (?3, ?4)
             ORDER BY created_at, seq LIMIT ?5",
        )?;
        let (at, key) = (self.reached.at, self.reached.key);
        let read = |row: &Row<'_>| {
            let (at, key) = (row.get(0)?, row.get(1)?);
            let (event, state, ended) = (row.get(2)?, row.get(3)?, row.get(4)?);
            Ok((
                Mark { at, key },
                Ended {
                    event,
                    state,
                    at: ended,
                },
            ))
        };
        // Collected first, so that no row is deleted while the query runs.
        let part = next.query_map((self.tenant, end, at, key, count as i64), read)?;
        let part: Vec<_> = part.collect::<Result<_, _>>()?;
        for (mark, ended) in &part {
            self.reached = *mark;
            if ended.is_old(before) {
                prune_delivery(tx, mark.key, ended, before)?;
            }
        }
        Ok(part.len())
    }

    /// Moves to the next tenant. Returns false, and starts again, if there is none.
    fn next_tenant(&mut self, sql: &Connection) -> FaultResult<bool> {
        let mut next = sql.prepare_cached("SELECT min(key) FROM tenants WHERE key > ?1")?;
        let tenant: Option<i64> = next.query_row([self.tenant], |row| row.get(0))?;
        (self.tenant, self.reached) = (tenant.unwrap_or(0), Mark::BOTTOM);
        Ok(tenant.is_some())
    }
}

impl Ended {
    fn is_old(&self, before: PruneCutoff) -> bool {
        match self.state {
            state::SUCCEEDED => self.at < before.succeeded.as_i64(),
            state::DEAD => self.at < before.dead.as_i64(),
            _ => false,
        }
    }
}

/// Returns the moment of acceptance before which a planned event's id is no longer needed.
fn known_until(before: PruneCutoff) -> i64 {
    before.now.before(IDEMPOTENCY).as_i64()
}

fn prune_delivery(
    tx: &mut Tx<'_>,
    seq: i64,
    ended: &Ended,
    before: PruneCutoff,
) -> FaultResult<()> {
    delete::delivery(tx, seq)?;
    tx.then(Effect::Counted {
        pending: 0,
        dead: -i64::from(ended.state == state::DEAD),
    });
    let mut left = tx.sql.prepare_cached(
        "SELECT accepted_at, EXISTS (SELECT 1 FROM deliveries
             WHERE seq >= coalesce(e.first_delivery, e.key + 1)
                 AND seq < coalesce(e.first_delivery, e.key + 1) + e.deliveries)
         FROM events e WHERE key = ?1",
    )?;
    let row = left
        .query_row([ended.event], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((accepted_at, false)): Option<(i64, bool)> = row else {
        return Ok(());
    };
    if accepted_at < known_until(before) {
        return delete::event(tx, ended.event);
    }
    tx.sql
        .prepare_cached("UPDATE events SET deliveries = 0 WHERE key = ?1")?
        .execute([ended.event])?;
    Ok(())
}

/// Deletes events without deliveries. Returns whether there may be more.
fn prune_bare_events(tx: &mut Tx<'_>, before: PruneCutoff) -> FaultResult<bool> {
    let statement = "DELETE FROM events WHERE key IN (
             SELECT key FROM events INDEXED BY events_bare
             WHERE deliveries = 0 AND accepted_at < ?1 LIMIT ?2) RETURNING hash, key";
    let deleted = delete::events(tx, statement, (known_until(before), PART as i64))?;
    Ok(deleted == PART)
}

fn prune_rejected(tx: &mut Tx<'_>, before: PruneCutoff) -> FaultResult<bool> {
    let mut delete = tx.sql.prepare_cached(
        "DELETE FROM rejected WHERE key IN (
             SELECT key FROM rejected INDEXED BY rejected_by_time WHERE at < ?1 LIMIT ?2)",
    )?;
    let count = delete.execute((before.dead.as_i64(), PART as i64))?;
    tx.then(Effect::Counted {
        pending: 0,
        dead: -(count as i64),
    });
    Ok(count == PART)
}

/// Returns free pages to the file system if there are many. New rows fill the others.
fn shrink(sql: &Connection) -> FaultResult<()> {
    let pragma = |text: &str| -> FaultResult<i64> {
        Ok(sql.prepare_cached(text)?.query_row([], |row| row.get(0))?)
    };
    let (free, all) = (
        pragma("PRAGMA freelist_count")?,
        pragma("PRAGMA page_count")?,
    );
    if free > SPARE.max(all / 4) {
        let mut vacuum = sql.prepare(&format!("PRAGMA incremental_vacuum({GIVE_BACK})"))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(())
}
