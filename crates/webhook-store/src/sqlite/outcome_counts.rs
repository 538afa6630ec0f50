//! Counts outcomes by endpoint and minute, and moves old counters to the hours.
//!
//! Rows are in the order of time, so that all writes go to the end of a table. Those of an endpoint are
//! read interval by interval.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use webhook_model::{Attempt, EndpointId, Millis, TenantId};

use super::job::{Outcome, Tx};
use super::lookup;
use super::reader::View;
use super::row::{millis, state};
use crate::endpoint_stats::Counter;
use crate::{EndpointStats, HOURS_KEPT, Interval, MAX_COUNTED, MINUTES_KEPT, NextState};

/// The maximum number of rows that a call moves or deletes.
const PART: i64 = 2_000;

const COUNT: &str =
    "INSERT INTO outcome_minutes (at, endpoint, counter, count) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET count = count + excluded.count";

const COUNT_HOUR: &str = "INSERT INTO outcome_hours (at, endpoint, counter, count)
    VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET count = count + excluded.count";

const TAKE_MINUTES: &str = "DELETE FROM outcome_minutes WHERE (at, endpoint, counter) IN (
        SELECT at, endpoint, counter FROM outcome_minutes WHERE at < ?1
        ORDER BY at, endpoint, counter LIMIT ?2
    ) RETURNING at, endpoint, counter, count";

const DROP_HOURS: &str = "DELETE FROM outcome_hours WHERE (at, endpoint, counter) IN (
        SELECT at, endpoint, counter FROM outcome_hours WHERE at < ?1 LIMIT ?2)";

/// The counts of one call, by endpoint and counter.
#[derive(Default)]
pub(super) struct OutcomeCounts(BTreeMap<(i64, Counter), i64>);

impl OutcomeCounts {
    pub fn add(&mut self, endpoint_key: i64, attempt: Option<&Attempt>, next: &NextState) {
        let is_dead = matches!(next, NextState::Dead(_));
        for counter in Counter::of_outcome(attempt, is_dead) {
            *self.0.entry((endpoint_key, counter)).or_default() += 1;
        }
    }

    /// Adds the counts to those of the minute.
    pub fn write(&self, sql: &Connection, now: Millis) -> Outcome<()> {
        let minute = Interval::Minute.number(now);
        let mut add = sql.prepare_cached(COUNT)?;
        for ((endpoint_key, counter), count) in &self.0 {
            add.execute((minute, endpoint_key, counter.0, count))?;
        }
        Ok(())
    }
}

/// Moves a part of the old minutes to the hours, and deletes a part of the old hours. Returns whether
/// there may be more.
pub(super) fn prune(tx: &Tx<'_>, now: Millis) -> Outcome<bool> {
    let minutes_from = Interval::Minute.number(now.before(MINUTES_KEPT));
    let mut take = tx.sql.prepare_cached(TAKE_MINUTES)?;
    let read = |row: &rusqlite::Row<'_>| {
        let key: (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((key, row.get::<_, i64>(3)?))
    };
    let mut hours: BTreeMap<(i64, i64, i64), i64> = BTreeMap::new();
    let mut taken = 0;
    for row in take.query_map((minutes_from, PART), read)? {
        let ((minute, endpoint_key, counter), count) = row?;
        let hour = Interval::hour_of_minute(minute);
        *hours.entry((hour, endpoint_key, counter)).or_default() += count;
        taken += 1;
    }
    let mut add = tx.sql.prepare_cached(COUNT_HOUR)?;
    for ((hour, endpoint_key, counter), count) in hours {
        add.execute((hour, endpoint_key, counter, count))?;
    }
    let hours_from = Interval::Hour.number(now.before(HOURS_KEPT));
    let dropped = tx
        .sql
        .prepare_cached(DROP_HOURS)?
        .execute((hours_from, PART))?;
    Ok(taken == PART || dropped as i64 == PART)
}

/// Deletes the counters of a deleted tenant's endpoints.
pub(super) fn delete_of_tenant(sql: &Connection, tenant: i64) -> Outcome<()> {
    for table in ["outcome_minutes", "outcome_hours"] {
        let delete = format!(
            "DELETE FROM {table} WHERE endpoint IN (SELECT key FROM endpoints WHERE tenant = ?1)"
        );
        sql.execute(&delete, [tenant])?;
    }
    Ok(())
}

/// Returns the statistics of an endpoint from the interval that contains `from` on; `None` if the
/// endpoint does not exist.
pub(super) fn stats(
    view: &View<'_>,
    tenant: &TenantId,
    endpoint: &EndpointId,
    by: Interval,
    from: Millis,
) -> Outcome<Option<EndpointStats>> {
    let Some((tenant, _)) = lookup::tenant(view.sql, tenant)? else {
        return Ok(None);
    };
    let Some(endpoint_key) = lookup::endpoint(view.sql, tenant, endpoint)? else {
        return Ok(None);
    };
    let mut counts = BTreeMap::new();
    let minutes = rows(
        view.sql,
        "outcome_minutes",
        endpoint_key,
        Interval::Minute.number(by.start(from)),
    )?;
    for (minute, counter, count) in minutes {
        let at = match by {
            Interval::Minute => minute,
            Interval::Hour => Interval::hour_of_minute(minute),
        };
        *counts.entry((at, counter)).or_default() += count;
    }
    if by == Interval::Hour {
        for (hour, counter, count) in
            rows(view.sql, "outcome_hours", endpoint_key, by.number(from))?
        {
            *counts.entry((hour, counter)).or_default() += count;
        }
    }
    let mut stats = EndpointStats {
        pending: pending(view.sql, endpoint_key)?,
        oldest_due: oldest_due(view, endpoint_key)?,
        series: Vec::new(),
    };
    for ((at, counter), count) in counts {
        stats.add(by.of_number(at), Counter(counter), count);
    }
    Ok(Some(stats))
}

/// Returns the counters of an endpoint from an interval on.
fn rows(
    sql: &Connection,
    table: &str,
    endpoint_key: i64,
    from: i64,
) -> Outcome<Vec<(i64, u8, u64)>> {
    let mut bounds = sql.prepare_cached(&format!(
        "SELECT (SELECT min(at) FROM {table} WHERE at >= ?1), (SELECT max(at) FROM {table})"
    ))?;
    let bounds: (Option<i64>, Option<i64>) =
        bounds.query_row([from], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(first), Some(last)) = bounds else {
        return Ok(Vec::new());
    };
    let mut of_interval = sql.prepare_cached(&format!(
        "SELECT counter, count FROM {table} WHERE at = ?1 AND endpoint = ?2"
    ))?;
    let mut rows = Vec::new();
    for at in first..=last {
        let read =
            |row: &rusqlite::Row<'_>| Ok((at, row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
        for row in of_interval.query_map((at, endpoint_key), read)? {
            rows.push(row?);
        }
    }
    Ok(rows)
}

fn pending(sql: &Connection, endpoint_key: i64) -> Outcome<u64> {
    let mut count = sql.prepare_cached(
        "SELECT count(*) FROM (
             SELECT 1 FROM deliveries INDEXED BY deliveries_due WHERE endpoint = ?1 AND state = 0
             UNION ALL
             SELECT 1 FROM deliveries INDEXED BY deliveries_chained
             WHERE endpoint = ?1 AND chain IS NOT NULL AND state < 2 AND state = 1
             LIMIT ?2)",
    )?;
    let count: i64 = count.query_row((endpoint_key, MAX_COUNTED as i64), |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

fn oldest_due(view: &View<'_>, endpoint_key: i64) -> Outcome<Option<Millis>> {
    let mut first = view.sql.prepare_cached(
        "SELECT min(at) FROM deliveries INDEXED BY deliveries_due WHERE endpoint = ?1 AND state = 0",
    )?;
    let first: Option<Option<i64>> = first
        .query_row([endpoint_key], |row| row.get(0))
        .optional()?;
    Ok(first.flatten().map(millis))
}

/// The SQL above contains these numbers.
const _: () = assert!(state::DUE == 0 && state::WAITING == 1);
