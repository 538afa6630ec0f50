//! Writes the counts of outcomes by endpoint and minute, and moves old counters to the hours. The negative
//! key of a tenant stands for an endpoint whose counters are the sums of the tenant's.
//!
//! Minutes, and after them last attempts, are the last rows that a transaction locks, each in the order of
//! their keys, so that no two transactions wait for each other. Plans count their dead letters in rows of the
//! process's own (`owner`), so that they do not wait for those of other processes. All processes share the
//! rows of the other counts, those of owner 0.

use std::collections::BTreeMap;

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use webhook_model::{EndpointId, Millis, TenantId};

use super::PostgresStore;
use super::fault::{Fault, FaultResult};
use super::row::{column, millis};
use super::session::{Params, Session, query};
use super::store::call;
use crate::endpoint_stats::{Counter, Counts, add_minute, series};
use crate::recent_attempts::STORED;
use crate::unwritten::{AllCounts, EndpointCounts, PartSize};
use crate::{
    Counters, EndpointStats, HOURS_KEPT, Interval, MAX_COUNTED, MAX_RECENT, MINUTES_KEPT,
    RecentAttempt, Result,
};

/// The maximum number of rows that a call moves or deletes.
const PART: i64 = 2_000;

/// The counts that one transaction writes.
const COUNTS_AT_A_TIME: PartSize = PartSize {
    tenants: 1_000,
    endpoints: 1_000,
};

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
const RECENT: &str = "SELECT attempts FROM recent_attempts WHERE endpoint = $1";

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

/// Adds counts to those of their minutes. Without an endpoint they are those of the tenant.
const WRITE: &str = "INSERT INTO outcome_minutes AS m (at, endpoint, counter, count, owner)
    SELECT n.at, coalesce(p.key, -t.key), n.counter, n.count, 0
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::smallint[], $5::bigint[])
        n (tenant, endpoint, at, counter, count)
    JOIN tenants t ON t.id = n.tenant
    LEFT JOIN endpoints p
        ON p.tenant = t.key AND p.id = n.endpoint AND p.definition IS NOT NULL
    WHERE n.endpoint IS NULL OR p.key IS NOT NULL
    ORDER BY 1, 2, 3
    ON CONFLICT (at, endpoint, counter, owner) DO UPDATE SET count = m.count + excluded.count";

/// Puts new attempts of existing endpoints in front, and drops the oldest.
const WRITE_RECENT: &str = "INSERT INTO recent_attempts AS r (endpoint, attempts)
    SELECT p.key, n.attempts
    FROM unnest($1::text[], $2::text[], $3::bytea[]) n (tenant, endpoint, attempts)
    JOIN tenants t ON t.id = n.tenant
    JOIN endpoints p ON p.tenant = t.key AND p.id = n.endpoint AND p.definition IS NOT NULL
    ORDER BY p.key
    ON CONFLICT (endpoint) DO UPDATE
        SET attempts = substr(excluded.attempts || r.attempts, 1, $4)";

/// The dead letters of one transaction, by columns.
#[derive(Default)]
pub(super) struct DeadCounts {
    counts: BTreeMap<i32, i64>,
    minute: i64,
    keys: Vec<i32>,
    numbers: Vec<i64>,
}

impl DeadCounts {
    /// The statement that adds the counts to those of the minute. The rows of an owner are written by
    /// one process, in the order of their keys.
    pub const INSERT: &'static str =
        "INSERT INTO outcome_minutes AS m (at, endpoint, counter, count, owner)
        SELECT $1, n.endpoint, $5, n.count,
            coalesce((SELECT key FROM owners WHERE incarnation = $4), 0)
        FROM unnest($2::int[], $3::bigint[]) n (endpoint, count)
        ON CONFLICT (at, endpoint, counter, owner) DO UPDATE SET count = m.count + excluded.count";

    /// Counts a dead letter for its endpoint and its tenant.
    pub fn add(&mut self, endpoint: i32, tenant: i32) {
        for key in [endpoint, -tenant] {
            *self.counts.entry(key).or_default() += 1;
        }
    }

    /// Sets the minute, and the columns of the parameters.
    pub fn set_minute(&mut self, now: Millis) {
        self.minute = Interval::Minute.number(now);
        (self.keys, self.numbers) = std::mem::take(&mut self.counts).into_iter().unzip();
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the parameters of [`Self::INSERT`].
    pub fn params<'a>(&'a self, incarnation: &'a String) -> [&'a (dyn ToSql + Sync); 5] {
        [&self.minute, &self.keys, &self.numbers, incarnation, &DEAD]
    }
}

/// The number of the counter of dead letters.
const DEAD: i16 = Counter::DEAD.0 as i16;

/// Counts of outcomes and last attempts, by columns.
#[derive(Default)]
struct Columns<'a> {
    tenants: Vec<&'a str>,
    endpoints: Vec<Option<&'a str>>,
    minutes: Vec<i64>,
    counters: Vec<i16>,
    numbers: Vec<i64>,
    recent_tenants: Vec<&'a str>,
    recent_endpoints: Vec<&'a str>,
    recent: Vec<Vec<u8>>,
}

impl<'a> Columns<'a> {
    fn of(counts: &'a AllCounts) -> Self {
        let mut columns = Self::default();
        for (tenant, endpoints) in counts {
            for (endpoint, of) in endpoints {
                columns.add(tenant.as_str(), Some(endpoint.as_str()), &of.minutes);
                let recent: Vec<u8> = of.recent().flatten().collect();
                if !recent.is_empty() {
                    columns.recent_tenants.push(tenant.as_str());
                    columns.recent_endpoints.push(endpoint.as_str());
                    columns.recent.push(recent);
                }
            }
            columns.add(
                tenant.as_str(),
                None,
                &EndpointCounts::sums(endpoints).minutes,
            );
        }
        columns
    }

    fn add(&mut self, tenant: &'a str, endpoint: Option<&'a str>, counts: &Counts) {
        for ((minute, counter), count) in counts {
            self.tenants.push(tenant);
            self.endpoints.push(endpoint);
            self.minutes.push(*minute);
            self.counters.push((*counter).into());
            self.numbers.push(count.cast_signed());
        }
    }
}

impl PostgresStore {
    /// Writes all counts, part by part.
    pub(super) async fn write_all_counts(&self) -> Result<()> {
        let (_writing, parts) = self.unwritten.begin_writing(COUNTS_AT_A_TIME).await;
        for part in parts {
            let written = self.write_part(part.counts()).await;
            part.end(written)?;
        }
        Ok(())
    }

    async fn write_part(&self, counts: &AllCounts) -> Result<Vec<Vec<Row>>> {
        let of = Columns::of(counts);
        let minutes: Params<'_> = &[
            &of.tenants,
            &of.endpoints,
            &of.minutes,
            &of.counters,
            &of.numbers,
        ];
        let most = (MAX_RECENT * STORED) as i32;
        let recent: Params<'_> = &[&of.recent_tenants, &of.recent_endpoints, &of.recent, &most];
        let writes = [query(WRITE, minutes), query(WRITE_RECENT, recent)];
        call!(self, session => session.transaction(&writes).await)
    }

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
    let recent = session.rows(RECENT, &[&key]).await?;
    let recent = recent
        .first()
        .map(|row| column::<&[u8]>(row, 0))
        .transpose()?;
    Ok(Some(EndpointStats {
        pending: column::<i64>(pending, 0)?.unsigned_abs(),
        oldest_due: column::<Option<i64>>(pending, 1)?.map(millis),
        series,
        recent: RecentAttempt::read_all(recent.unwrap_or_default()),
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
