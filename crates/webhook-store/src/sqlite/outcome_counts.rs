//! Writes the counts of outcomes by endpoint and minute, and moves old counters to the hours. The negative
//! key of a tenant stands for an endpoint whose counters are the sums of the tenant's.
//!
//! Rows are in the order of time, so that all writes go to the end of a table. Those of an endpoint are
//! read interval by interval.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use webhook_model::{EndpointId, Millis, TenantId};

use super::job::{FaultResult, Tx};
use super::lookup;
use super::reader::View;
use super::recent_attempts;
use super::row::{millis, state};
use crate::endpoint_stats::{Counter, Counts, add_minute, series};
use crate::unwritten::{AllCounts, EndpointCounts, PartSize};
use crate::{Counters, EndpointStats, HOURS_KEPT, Interval, MAX_COUNTED, MINUTES_KEPT};

/// The maximum number of rows that a call moves or deletes.
const ROWS_AT_A_TIME: i64 = 2_000;

/// The counts that one job writes, which other jobs wait for.
pub(super) const PART: PartSize = PartSize {
    tenants: 100,
    endpoints: 100,
};

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

const TENANT_OF: &str = "SELECT tenant FROM endpoints WHERE key = ?1";

/// The dead letters of one job, by endpoint.
#[derive(Default)]
pub(super) struct DeadCounts(BTreeMap<i64, u64>);

impl DeadCounts {
    pub fn add(&mut self, endpoint_key: i64) {
        *self.0.entry(endpoint_key).or_default() += 1;
    }

    /// Adds the counts to those of the minute, also for the tenants.
    pub fn write(&self, sql: &Connection, now: Millis) -> FaultResult<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut tenant_of = sql.prepare_cached(TENANT_OF)?;
        let mut sums: BTreeMap<i64, u64> = BTreeMap::new();
        for (endpoint_key, count) in &self.0 {
            let tenant = tenant_of.query_row([endpoint_key], |row| row.get(0));
            // The tenant may have been deleted.
            if let Some(tenant) = tenant.optional()? {
                *sums.entry(tenant).or_default() += count;
            }
        }
        let of_tenants = sums.into_iter().map(|(tenant, count)| (-tenant, count));
        let of_endpoints = self.0.iter().map(|(key, count)| (*key, *count));
        for (key, count) in of_endpoints.chain(of_tenants) {
            let minute = (Interval::Minute.number(now), Counter::DEAD.0);
            add_minutes(sql, key, &Counts::from([(minute, count)]))?;
        }
        Ok(())
    }
}

/// Writes counts of outcomes, and the last attempts. Those of a tenant or an endpoint that does not exist any
/// more are dropped.
pub(super) fn write(sql: &Connection, counts: &AllCounts) -> FaultResult<()> {
    for (tenant, endpoints) in counts {
        let Some((tenant, _)) = lookup::tenant(sql, tenant)? else {
            continue;
        };
        add_minutes(sql, -tenant, &EndpointCounts::sums(endpoints).minutes)?;
        for (endpoint, of) in endpoints {
            if let Some(endpoint_key) = lookup::endpoint(sql, tenant, endpoint)? {
                add_minutes(sql, endpoint_key, &of.minutes)?;
                recent_attempts::add(sql, endpoint_key, of)?;
            }
        }
    }
    Ok(())
}

fn add_minutes(sql: &Connection, key: i64, counts: &Counts) -> FaultResult<()> {
    let mut add = sql.prepare_cached(COUNT)?;
    for ((minute, counter), count) in counts {
        add.execute((minute, key, counter, count.cast_signed()))?;
    }
    Ok(())
}

/// Moves a part of the old minutes to the hours, and deletes a part of the old hours. Returns whether
/// there may be more.
pub(super) fn prune(tx: &Tx<'_>, now: Millis) -> FaultResult<bool> {
    let minutes_from = Interval::Minute.number(now.before(MINUTES_KEPT));
    let mut take = tx.sql.prepare_cached(TAKE_MINUTES)?;
    let read = |row: &rusqlite::Row<'_>| {
        let key: (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((key, row.get::<_, i64>(3)?))
    };
    let mut hours: BTreeMap<(i64, i64, i64), i64> = BTreeMap::new();
    let mut taken = 0;
    for row in take.query_map((minutes_from, ROWS_AT_A_TIME), read)? {
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
        .execute((hours_from, ROWS_AT_A_TIME))?;
    Ok(taken == ROWS_AT_A_TIME || dropped as i64 == ROWS_AT_A_TIME)
}

/// Deletes the counters of a deleted tenant and its endpoints.
pub(super) fn delete_of_tenant(sql: &Connection, tenant: i64) -> FaultResult<()> {
    for table in ["outcome_minutes", "outcome_hours", "recent_attempts"] {
        let delete = format!(
            "DELETE FROM {table} WHERE endpoint = -?1
                OR endpoint IN (SELECT key FROM endpoints WHERE tenant = ?1)"
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
) -> FaultResult<Option<EndpointStats>> {
    let Some((tenant, _)) = lookup::tenant(view.sql, tenant)? else {
        return Ok(None);
    };
    let Some(endpoint_key) = lookup::endpoint(view.sql, tenant, endpoint)? else {
        return Ok(None);
    };
    Ok(Some(EndpointStats {
        pending: pending(view.sql, endpoint_key)?,
        oldest_due: oldest_due(view, endpoint_key)?,
        series: series(counts(view.sql, endpoint_key, by, from)?, by),
        recent: recent_attempts::read(view.sql, endpoint_key)?,
    }))
}

/// Returns the sums of a tenant from the interval that contains `from` on; `None` if the tenant does not
/// exist.
pub(super) fn tenant_stats(
    sql: &Connection,
    tenant: &TenantId,
    by: Interval,
    from: Millis,
) -> FaultResult<Option<Vec<Counters>>> {
    let Some((tenant, _)) = lookup::tenant(sql, tenant)? else {
        return Ok(None);
    };
    Ok(Some(series(counts(sql, -tenant, by, from)?, by)))
}

fn counts(sql: &Connection, key: i64, by: Interval, from: Millis) -> FaultResult<Counts> {
    let mut counts = Counts::new();
    let minutes_from = Interval::Minute.number(by.start(from));
    for minute in rows(sql, "outcome_minutes", key, minutes_from)? {
        add_minute(&mut counts, by, minute);
    }
    if by == Interval::Hour {
        for (hour, counter, count) in rows(sql, "outcome_hours", key, by.number(from))? {
            *counts.entry((hour, counter)).or_default() += count;
        }
    }
    Ok(counts)
}

/// Returns the counters of an endpoint from an interval on.
fn rows(
    sql: &Connection,
    table: &str,
    endpoint_key: i64,
    from: i64,
) -> FaultResult<Vec<(i64, u8, u64)>> {
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

fn pending(sql: &Connection, endpoint_key: i64) -> FaultResult<u64> {
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

fn oldest_due(view: &View<'_>, endpoint_key: i64) -> FaultResult<Option<Millis>> {
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
