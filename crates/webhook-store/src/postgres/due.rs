//! Finds due deliveries, and counts waiting ones.

use tokio_postgres::Row;
use webhook_model::{EndpointId, Millis, TenantId};

use super::PostgresStore;
use super::fault::FaultResult;
use super::row::{column, millis};
use super::session::query;
use super::store::call;
use crate::{Depth, DueEndpoint, Result};

/// The earliest due delivery of each endpoint that has one. The steps go from endpoint to endpoint, so
/// that neither endpoints without deliveries nor the deliveries of an endpoint are counted through.
macro_rules! heads {
    () => {
        "WITH RECURSIVE heads AS (
            (SELECT endpoint, at FROM deliveries WHERE state = 0 ORDER BY endpoint, at LIMIT 1)
            UNION ALL
            SELECT n.endpoint, n.at FROM heads h CROSS JOIN LATERAL (
                SELECT d.endpoint, d.at FROM deliveries d
                WHERE d.state = 0 AND d.endpoint > h.endpoint
                ORDER BY d.endpoint, d.at LIMIT 1
            ) n
        ), live AS (
            SELECT t.id AS tenant, p.id, h.endpoint, h.at
            FROM heads h
            JOIN endpoints p ON p.key = h.endpoint AND p.enabled
            JOIN tenants t ON t.key = p.tenant AND t.id IS NOT NULL
        )"
    };
}

/// For each of those: whether it is due, and when the first one after now is.
const DUE: &str = concat!(
    heads!(),
    "SELECT l.tenant, l.id, l.at, CASE WHEN l.at > $1 THEN l.at ELSE (
        SELECT d.at FROM deliveries d
        WHERE d.endpoint = l.endpoint AND d.state = 0 AND d.at > $1 ORDER BY d.at LIMIT 1
    ) END
    FROM live l"
);

const OLDEST_DUE: &str = concat!(heads!(), "SELECT min(l.at) FROM live l WHERE l.at <= $1");

const COUNTS: &str = "SELECT
    (SELECT count(*) FROM accepted),
    (SELECT count(*) FROM rejected),
    coalesce(sum(n.count) FILTER (WHERE n.state IN (0, 1)), 0)::bigint,
    coalesce(sum(n.count) FILTER (WHERE n.state = 2), 0)::bigint,
    coalesce(sum(n.count) FILTER (WHERE n.state = 4), 0)::bigint
    FROM (
        SELECT s.state, (
            SELECT count(*) FROM deliveries d WHERE d.tenant = t.key AND d.state = s.state
        ) AS count
        FROM tenants t CROSS JOIN (VALUES (0::smallint), (1), (2), (4)) s (state)
        WHERE t.id IS NOT NULL
    ) n";

impl PostgresStore {
    pub(super) async fn due_endpoints(
        &self,
        now: Millis,
    ) -> Result<(Vec<DueEndpoint>, Option<Millis>)> {
        let rows = call!(self, session => session.rows(DUE, &[&now.as_i64()]).await)?;
        let read: FaultResult<Vec<_>> = rows.iter().map(|row| head(row, now)).collect();
        let heads = read.map_err(|fault| self.failed(fault))?;
        let next = heads.iter().filter_map(|(_, next)| *next).min();
        let due = heads.into_iter().filter_map(|(due, _)| due);
        Ok((due.collect(), next))
    }

    pub(super) async fn count_waiting(&self, now: Millis) -> Result<Depth> {
        let now = now.as_i64();
        let rows = call!(self, session => {
            session.all(&[query(COUNTS, &[]), query(OLDEST_DUE, &[&now])]).await
        })?;
        depth(&rows).map_err(|fault| self.failed(fault))
    }
}

/// Reads an endpoint with pending deliveries: itself if one is due, and the next due time after now.
fn head(row: &Row, now: Millis) -> FaultResult<(Option<DueEndpoint>, Option<Millis>)> {
    let at = millis(column(row, 2)?);
    let next = column::<Option<i64>>(row, 3)?.map(millis);
    if at > now {
        return Ok((None, next));
    }
    let due = DueEndpoint {
        tenant: TenantId::parse(column(row, 0)?)?,
        endpoint: EndpointId::parse(column(row, 1)?)?,
        at,
    };
    Ok((Some(due), next))
}

fn depth(rows: &[Vec<Row>]) -> FaultResult<Depth> {
    let mut first = rows.iter().map(|rows| rows.first());
    let (Some(Some(counts)), Some(Some(oldest))) = (first.next(), first.next()) else {
        return Ok(Depth::default());
    };
    let count = |index| Ok::<_, super::fault::Fault>(column::<i64>(counts, index)?.unsigned_abs());
    Ok(Depth {
        accepted: count(0)?,
        pending: count(2)?,
        in_flight: count(3)?,
        dead: count(1)? + count(4)?,
        oldest_due: column::<Option<i64>>(oldest, 0)?.map(millis),
    })
}
