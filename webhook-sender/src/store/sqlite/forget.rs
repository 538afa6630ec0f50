//! Forgetting what ended long ago, and giving its space back.

use rusqlite::{Connection, OptionalExtension};

use super::job::{Outcome, Tx};
use super::queue::Effect;
use super::row::state;
use crate::model::Millis;
use crate::store::IDEMPOTENCY;

/// How many deliveries a call looks at.
const PART: usize = 1_000;

/// Free pages that are kept for what comes next.
const SPARE: i64 = 2_048;

/// Pages given back to the file system at a time.
const GIVE_BACK: u32 = 512;

/// What counts as long ago.
#[derive(Clone, Copy)]
pub(super) struct Before {
    pub succeeded: Millis,
    pub dead: Millis,
    /// The latest moment that the store was told of.
    pub now: Millis,
}

/// How far the current round came; the next one begins anew, for what has ended since.
#[derive(Default)]
pub(super) struct Round {
    reached: i64,
}

struct Ended {
    seq: i64,
    event: i64,
    state: i64,
    at: i64,
}

impl Round {
    /// Answers whether there may be more to forget.
    pub fn step(&mut self, tx: &mut Tx<'_>, before: Before) -> Outcome<bool> {
        let (part, more) = self.part(tx.sql, before)?;
        for one in part {
            forget(tx, &one, before)?;
        }
        let bare = forget_bare(tx.sql, before)?;
        let rejected = forget_rejected(tx, before)?;
        shrink(tx.sql)?;
        Ok(more || bare || rejected)
    }

    /// What is to be forgotten among the next deliveries, and whether there are others behind them.
    fn part(&mut self, sql: &Connection, before: Before) -> Outcome<(Vec<Ended>, bool)> {
        let end = before.succeeded.max(before.dead).as_i64();
        let mut next = sql.prepare_cached(
            "SELECT seq, event, state, at, created_at FROM deliveries
             WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )?;
        let mut rows = next.query((self.reached, PART as i64))?;
        let (mut part, mut seen) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            // Nothing ends before it was made, so from here on nothing ended long ago.
            if row.get::<_, i64>(4)? >= end {
                seen = 0;
                break;
            }
            seen += 1;
            let one = Ended {
                seq: row.get(0)?,
                event: row.get(1)?,
                state: row.get(2)?,
                at: row.get(3)?,
            };
            self.reached = one.seq;
            if one.is_old(before) {
                part.push(one);
            }
        }
        let more = seen == PART;
        if !more {
            self.reached = 0;
        }
        Ok((part, more))
    }
}

impl Ended {
    fn is_old(&self, before: Before) -> bool {
        match self.state {
            state::SUCCEEDED => self.at < before.succeeded.as_i64(),
            state::DEAD => self.at < before.dead.as_i64(),
            _ => false,
        }
    }
}

/// Until when an event's id is no longer needed.
fn known_until(before: Before) -> i64 {
    before.now.before(IDEMPOTENCY).as_i64()
}

fn forget(tx: &mut Tx<'_>, one: &Ended, before: Before) -> Outcome<()> {
    let sql = tx.sql;
    sql.prepare_cached("DELETE FROM deliveries WHERE seq = ?1")?
        .execute([one.seq])?;
    tx.then(Effect::Counted {
        pending: 0,
        dead: -i64::from(one.state == state::DEAD),
    });
    let mut left = sql.prepare_cached(
        "SELECT planned_at, EXISTS (SELECT 1 FROM deliveries
             WHERE seq > e.key AND seq <= e.key + e.deliveries)
         FROM events e WHERE key = ?1",
    )?;
    let row = left
        .query_row([one.event], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((planned_at, false)): Option<(i64, bool)> = row else {
        return Ok(());
    };
    let text = match planned_at < known_until(before) {
        true => "DELETE FROM events WHERE key = ?1",
        false => "UPDATE events SET deliveries = 0 WHERE key = ?1",
    };
    sql.prepare_cached(text)?.execute([one.event])?;
    Ok(())
}

/// Forgets events that have no deliveries. Answers whether there may be more.
fn forget_bare(sql: &Connection, before: Before) -> Outcome<bool> {
    let mut delete = sql.prepare_cached(
        "DELETE FROM events WHERE key IN (
             SELECT key FROM events INDEXED BY events_bare
             WHERE deliveries = 0 AND planned_at < ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute((known_until(before), PART as i64))? == PART)
}

fn forget_rejected(tx: &mut Tx<'_>, before: Before) -> Outcome<bool> {
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

/// Gives free pages back, where they are many. Others are filled again by what comes next.
fn shrink(sql: &Connection) -> Outcome<()> {
    let pragma = |text: &str| -> Outcome<i64> {
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
