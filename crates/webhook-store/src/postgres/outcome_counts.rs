//! Counts outcomes by endpoint and minute, and moves old counters to the hours. The negative key of a
//! tenant stands for an endpoint whose counters are the sums of the tenant's.
//!
//! Counters are the last rows that a transaction locks, in the order of their keys, so that none waits
//! while it holds them.

use std::collections::BTreeMap;

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use webhook_model::{Attempt, EndpointId, Millis, TenantId};

use super::PostgresStore;
use super::fault::{Fault, FaultResult};
use super::row::{column, millis};
use super::session::Session;
use super::store::call;
use crate::endpoint_stats::{Counter, Counts, add_minute, series};
use crate::{
    Counters, EndpointStats, HOURS_KEPT, Interval, MAX_COUNTED, MAX_RECENT, MINUTES_KEPT,
    RecentAttempt, Result,
};

/// The maximum number of rows that a call moves or deletes.
const PART: i64 = 2_000;

/// Moves a part of the old minutes to the hours.
const MOVE_MINUTES: &str = "WITH old AS (
        DELETE FROM outcome_minutes WHERE (at, endpoint, counter, owner) IN (
            SELECT at, endpoint, counter, owner FROM outcome_minutes WHERE at < $1
            ORDER BY at, endpoint, counter, owner LIMIT $2 FOR UPDATE SKIP LOCKED
        ) RETURNING at / 60 AS at, endpoint, counter, count
    ), sums AS (
        SELECT at, endpoint, counter, sum(count)::bigint AS count FROM old
        GROUP BY at, endpoint, counter ORDER BY at, endpoint, counter
    ), moved AS (
        INSERT INTO outcome_hours AS h (at, endpoint, counter, count)
        SELECT at, endpoint, counter, count FROM sums
        ON CONFLICT (at, endpoint, counter) DO UPDATE SET count = h.count + excluded.count
    )
    SELECT count(*) FROM old";

const DROP_HOURS: &str = "DELETE FROM outcome_hours WHERE (at, endpoint, counter) IN (
        SELECT at, endpoint, counter FROM outcome_hours WHERE at < $1 LIMIT $2
    ) RETURNING 1";

const ENDPOINT: &str =
    "SELECT p.key FROM tenants t JOIN endpoints p ON p.tenant = t.key AND p.id = $2
    WHERE t.id = $1 AND p.definition IS NOT NULL";

const TENANT: &str = "SELECT key FROM tenants WHERE id = $1";

/// Selects an endpoint's last attempts.
const RECENT: &str = "SELECT at, duration_ms, status, error IS NULL FROM attempts
    WHERE endpoint = $1 ORDER BY at DESC LIMIT $2";

/// Selects an endpoint's counters from the minute `$2` on, in intervals of `$3` minutes, each with the
/// number of its first minute.
const MINUTES: &str = "SELECT m.at - m.at % $3, m.counter::int, sum(m.count)::bigint FROM (
        SELECT min(at) AS first, max(at) AS last FROM outcome_minutes WHERE at >= $2
    ) b CROSS JOIN LATERAL generate_series(b.first, b.last) s (at)
    JOIN outcome_minutes m ON m.at = s.at AND m.endpoint = $1
    GROUP BY 1, 2";

/// Selects an endpoint's counters by hour from `$2` on.
const HOURS: &str = "SELECT h.at, h.counter::int, h.count FROM (
        SELECT min(at) AS first, max(at) AS last FROM outcome_hours WHERE at >= $2
    ) b CROSS JOIN LATERAL generate_series(b.first, b.last) s (at)
    JOIN outcome_hours h ON h.at = s.at AND h.endpoint = $1";

/// Selects the number of an endpoint's pending deliveries, up to `$2`, and the first due time.
const PENDING: &str = "SELECT (
        SELECT count(*) FROM (
            SELECT FROM deliveries WHERE endpoint = $1 AND state = 0
            UNION ALL SELECT FROM deliveries WHERE endpoint = $1 AND state = 1
            UNION ALL SELECT FROM deliveries
                WHERE tenant = (SELECT tenant FROM endpoints WHERE key = $1)
                    AND state = 2 AND endpoint = $1
            LIMIT $2
        ) pending
    ), (
        SELECT min(at) FROM deliveries WHERE endpoint = $1 AND state = 0
    )";

/// The counts of one call, by columns.
#[derive(Default)]
pub(super) struct OutcomeCounts {
    counts: BTreeMap<(i32, Counter), i64>,
    minute: i64,
    endpoints: Vec<i32>,
    counters: Vec<i16>,
    numbers: Vec<i64>,
}

impl OutcomeCounts {
    /// The statement that adds the counts to those of the minute. The rows of an owner are written by
    /// one process, in the order of their keys.
    pub const INSERT: &'static str =
        "INSERT INTO outcome_minutes AS m (at, endpoint, counter, count, owner)
        SELECT $1, n.endpoint, n.counter, n.count,
            coalesce((SELECT key FROM owners WHERE incarnation = $5), 0)
        FROM unnest($2::int[], $3::smallint[], $4::bigint[]) n (endpoint, counter, count)
        ON CONFLICT (at, endpoint, counter, owner) DO UPDATE SET count = m.count + excluded.count";

    /// Counts an outcome for an endpoint and for its tenant.
    pub fn add(&mut self, endpoint: i32, tenant: i32, attempt: Option<&Attempt>, is_dead: bool) {
        for counter in Counter::of_outcome(attempt, is_dead) {
            *self.counts.entry((endpoint, counter)).or_default() += 1;
            let sum = (-tenant, counter.of_tenant());
            *self.counts.entry(sum).or_default() += 1;
        }
    }

    /// Sets the minute, and the columns of the parameters.
    pub fn set_minute(&mut self, now: Millis) {
        self.minute = Interval::Minute.number(now);
        for ((endpoint, counter), count) in std::mem::take(&mut self.counts) {
            self.endpoints.push(endpoint);
            self.counters.push(counter.0.into());
            self.numbers.push(count);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }

    /// Returns the parameters of [`Self::INSERT`].
    pub fn params<'a>(&'a self, incarnation: &'a String) -> [&'a (dyn ToSql + Sync); 5] {
        [
            &self.minute,
            &self.endpoints,
            &self.counters,
            &self.numbers,
            incarnation,
        ]
    }
}

impl PostgresStore {
    /// Moves a part of the old minutes to the hours, and deletes a part of the old hours. Returns
    /// whether there may be more.
    pub(super) async fn prune_counts(&self, now: Millis) -> Result<bool> {
        let minutes_from = Interval::Minute.number(now.before(MINUTES_KEPT));
        let hours_from = Interval::Hour.number(now.before(HOURS_KEPT));
        let moved = call!(self, session => {
            session.rows(MOVE_MINUTES, &[&minutes_from, &PART]).await
        })?;
        let moved = moved.first().map_or(Ok(0), |row| column::<i64>(row, 0));
        let moved = moved.map_err(|fault| self.failed(fault))?;
        let dropped = call!(self, session => {
            session.rows(DROP_HOURS, &[&hours_from, &PART]).await
        })?;
        Ok(moved == PART || dropped.len() as i64 == PART)
    }

    pub(super) async fn stats_of(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<EndpointStats>> {
        call!(self, session => stats(&session, tenant, endpoint, by, from).await)
    }

    pub(super) async fn sums_of(
        &self,
        tenant: &TenantId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<Vec<Counters>>> {
        call!(self, session => sums(&session, tenant, by, from).await)
    }
}

async fn stats(
    session: &Session,
    tenant: &TenantId,
    endpoint: &EndpointId,
    by: Interval,
    from: Millis,
) -> FaultResult<Option<EndpointStats>> {
    let found = session
        .rows(ENDPOINT, &[&tenant.as_str(), &endpoint.as_str()])
        .await?;
    let Some(found) = found.first() else {
        return Ok(None);
    };
    let key: i32 = column(found, 0)?;
    let series = series(counts(session, key, by, from).await?, by);
    let most = i64::try_from(MAX_COUNTED).unwrap_or(i64::MAX);
    let pending = session.rows(PENDING, &[&key, &most]).await?;
    let pending = pending
        .first()
        .ok_or_else(|| Fault::Unreadable("no count".into()))?;
    let most = i64::try_from(MAX_RECENT).unwrap_or(i64::MAX);
    let recent = session.rows(RECENT, &[&key, &most]).await?;
    Ok(Some(EndpointStats {
        pending: column::<i64>(pending, 0)?.unsigned_abs(),
        oldest_due: column::<Option<i64>>(pending, 1)?.map(millis),
        series,
        recent: recent
            .iter()
            .map(recent_attempt)
            .collect::<FaultResult<_>>()?,
    }))
}

async fn sums(
    session: &Session,
    tenant: &TenantId,
    by: Interval,
    from: Millis,
) -> FaultResult<Option<Vec<Counters>>> {
    let found = session.rows(TENANT, &[&tenant.as_str()]).await?;
    let Some(found) = found.first() else {
        return Ok(None);
    };
    let key = -column::<i32>(found, 0)?;
    Ok(Some(series(counts(session, key, by, from).await?, by)))
}

/// Returns the counts of an endpoint, or those of a tenant by its negative key.
async fn counts(session: &Session, key: i32, by: Interval, from: Millis) -> FaultResult<Counts> {
    let mut counts = Counts::new();
    let minutes_from = Interval::Minute.number(by.start(from));
    let minutes: i64 = match by {
        Interval::Minute => 1,
        Interval::Hour => 60,
    };
    for row in session
        .rows(MINUTES, &[&key, &minutes_from, &minutes])
        .await?
    {
        add_minute(&mut counts, by, counted(&row)?);
    }
    if by == Interval::Hour {
        for row in session.rows(HOURS, &[&key, &by.number(from)]).await? {
            let (at, counter, count) = counted(&row)?;
            *counts.entry((at, counter)).or_default() += count;
        }
    }
    Ok(counts)
}

fn recent_attempt(row: &Row) -> FaultResult<RecentAttempt> {
    let status: Option<i32> = column(row, 2)?;
    Ok(RecentAttempt {
        at: millis(column(row, 0)?),
        status: status.and_then(|status| u16::try_from(status).ok()),
        succeeded: column(row, 3)?,
        duration_ms: u32::try_from(column::<i64>(row, 1)?).unwrap_or(u32::MAX),
    })
}

fn counted(row: &Row) -> FaultResult<(i64, u8, u64)> {
    let counter: i32 = column(row, 1)?;
    // A number beyond the known counters is ignored.
    let counter = u8::try_from(counter).unwrap_or(u8::MAX);
    Ok((
        column(row, 0)?,
        counter,
        column::<i64>(row, 2)?.unsigned_abs(),
    ))
}
