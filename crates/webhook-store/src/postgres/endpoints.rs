//! Reads, writes and deletes endpoints.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use webhook_model::{Endpoint, EndpointId, Millis, TenantId};

use super::PostgresStore;
use super::fault::FaultResult;
use super::row::{DELETED, column, millis};
use super::session::{Params, Session, query};
use super::store::{AT_A_TIME, call};
use crate::endpoint_stats::Counter;
use crate::{EndpointPut, Interval, Result, StoreError};

/// One statement, because a change could come between two.
const LIST: &str = "SELECT t.version, p.version, p.definition::text
    FROM tenants t LEFT JOIN endpoints p ON p.tenant = t.key AND p.definition IS NOT NULL
    WHERE t.id = $1 ORDER BY p.id";

/// Writes an endpoint over a version. The tenant's lock comes first, so that versions are in the order
/// of their changes, and no plan with an earlier version is in progress.
const PUT: &str = "WITH t AS MATERIALIZED (
        SELECT key FROM tenants WHERE id = $1 FOR NO KEY UPDATE
    ), put AS (
        INSERT INTO endpoints AS p (tenant, id, version, definition, enabled)
        SELECT t.key, $2, nextval('versions'), $3::text::json, $4 FROM t
        WHERE $5::bigint IS NULL
            OR EXISTS (SELECT FROM endpoints e WHERE e.tenant = t.key AND e.id = $2)
        ON CONFLICT (tenant, id) DO UPDATE SET version = excluded.version,
            definition = excluded.definition, enabled = excluded.enabled, deleted_at = NULL
        WHERE CASE WHEN p.definition IS NULL THEN $5::bigint IS NULL ELSE p.version = $5::bigint END
        RETURNING p.tenant, p.version
    ), raised AS (
        UPDATE tenants SET version = put.version FROM put WHERE key = put.tenant
    )
    SELECT EXISTS (SELECT FROM t), (SELECT version FROM put)";

/// Removes the definition first, so that no event is planned for the endpoint any more. Returns the
/// last event that may have deliveries to it.
const REMOVE: &str = "WITH t AS MATERIALIZED (
        SELECT key FROM tenants WHERE id = $1 FOR NO KEY UPDATE
    ), gone AS (
        UPDATE endpoints p SET definition = NULL, enabled = false, deleted_at = $3
        FROM t WHERE p.tenant = t.key AND p.id = $2 AND p.definition IS NOT NULL
        RETURNING p.key, p.tenant
    ), raised AS (
        UPDATE tenants SET version = nextval('versions') FROM gone WHERE tenants.key = gone.tenant
    )
    SELECT gone.key, (SELECT last_value FROM events_key_seq) FROM gone";

/// Buries pending deliveries, and counts them for the endpoint and its tenant. One in flight is decided by
/// its outcome.
const BURY: &str = "WITH buried AS (
        UPDATE deliveries d SET state = 4, at = $3, reason = $4
        FROM (
            (SELECT event FROM deliveries WHERE endpoint = $1 AND state = 0 AND event <= $2 LIMIT $5)
            UNION ALL
            (SELECT event FROM deliveries WHERE endpoint = $1 AND state = 1 AND event <= $2 LIMIT $5)
        ) p
        WHERE d.event = p.event AND d.endpoint = $1 AND d.state + 0 IN (0, 1)
        RETURNING d.tenant
    ), counted AS (
        INSERT INTO outcome_minutes AS m (at, endpoint, counter, count, owner)
        SELECT $6::bigint, k.key, $7::smallint, b.number, 0
        FROM (SELECT -tenant AS sum, count(*) AS number FROM buried GROUP BY tenant) b
        CROSS JOIN LATERAL (VALUES (b.sum), ($1)) k (key)
        ORDER BY k.key
        ON CONFLICT (at, endpoint, counter, owner) DO UPDATE SET count = m.count + excluded.count
    )
    SELECT count(*) FROM buried";

/// Deleted endpoints with pending deliveries, and deleted tenants.
const UNFINISHED: &str = "SELECT key, deleted_at FROM endpoints p WHERE definition IS NULL AND (
        EXISTS (SELECT FROM deliveries d WHERE d.endpoint = p.key AND d.state = 0 OFFSET 0)
        OR EXISTS (SELECT FROM deliveries d WHERE d.endpoint = p.key AND d.state = 1 OFFSET 0)
    )";
const UNFINISHED_TENANTS: &str = "SELECT key FROM tenants WHERE id IS NULL";

impl PostgresStore {
    pub(super) async fn endpoints_of(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<(u64, Vec<Endpoint>)>> {
        let rows = call!(self, session => session.rows(LIST, &[&tenant.as_str()]).await)?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let read = || -> FaultResult<_> {
            let version = column::<i64>(first, 0)?.unsigned_abs();
            let endpoints = rows.iter().filter_map(|row| endpoint(row).transpose());
            Ok((version, endpoints.collect::<FaultResult<_>>()?))
        };
        read().map(Some).map_err(|fault| self.failed(fault))
    }

    pub(super) async fn write_endpoint(
        &self,
        endpoint: &Endpoint,
        over: Option<u64>,
    ) -> Result<u64> {
        let put = EndpointPut {
            endpoint: endpoint.clone(),
            over,
        };
        let written = self.write_endpoints(&[put]).await?;
        written.into_iter().flatten().next().ok_or_else(|| {
            let (tenant, endpoint) = (endpoint.tenant.clone(), endpoint.id.clone());
            StoreError::Conflict { tenant, endpoint }
        })
    }

    /// Writes endpoints in one transaction. Returns their versions, `None` for a conflict.
    pub(super) async fn write_endpoints(&self, puts: &[EndpointPut]) -> Result<Vec<Option<u64>>> {
        let values: FaultResult<Vec<_>> = puts.iter().map(Values::of).collect();
        let values = values.map_err(|fault| self.failed(fault))?;
        let params: Vec<_> = values.iter().map(Values::params).collect();
        let queries: Vec<_> = params.iter().map(|params| query(PUT, params)).collect();
        let replies = call!(self, session => session.transaction(&queries).await)?;
        // Their deliveries may be due again.
        self.listener.announce();
        let version = |(put, rows): (&EndpointPut, &Vec<Row>)| {
            let read = |row: &Row| Ok((column::<bool>(row, 0)?, column::<Option<i64>>(row, 1)?));
            let read = rows.first().map_or(Ok((false, None)), read);
            match read.map_err(|fault| self.failed(fault))? {
                (false, _) => Err(StoreError::UnknownTenant(put.endpoint.tenant.clone())),
                (true, version) => Ok(version.map(i64::unsigned_abs)),
            }
        };
        puts.iter().zip(&replies).map(version).collect()
    }

    pub(super) async fn remove_endpoint(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Millis,
    ) -> Result<bool> {
        let rows = call!(self, session => {
            let params = (tenant.as_str(), endpoint.as_str(), now.as_i64());
            session.rows(REMOVE, &[&params.0, &params.1, &params.2]).await
        })?;
        let Some(row) = rows.first() else {
            return Ok(false);
        };
        let read = || -> FaultResult<(i32, i64)> { Ok((column(row, 0)?, column(row, 1)?)) };
        let (key, last_event) = read().map_err(|fault| self.failed(fault))?;
        self.bury(key, last_event, now.as_i64()).await?;
        Ok(true)
    }

    /// Buries pending deliveries of events up to `last_event`, in steps.
    async fn bury(&self, endpoint: i32, last_event: i64, at: i64) -> Result<()> {
        while call!(self, session => bury_some(&session, endpoint, last_event, at).await)? {}
        Ok(())
    }

    /// Finishes deletions that a killed process left unfinished, or that an outcome has overtaken.
    pub(super) async fn finish_deletions(&self, now: Millis) -> Result<()> {
        let rows = call!(self, session => session.rows(UNFINISHED, &[]).await)?;
        for row in &rows {
            let read =
                || -> FaultResult<(i32, Option<i64>)> { Ok((column(row, 0)?, column(row, 1)?)) };
            let (key, at) = read().map_err(|fault| self.failed(fault))?;
            self.bury(key, i64::MAX, at.unwrap_or(now.as_i64())).await?;
        }
        let rows = call!(self, session => session.rows(UNFINISHED_TENANTS, &[]).await)?;
        for row in &rows {
            let key = column(row, 0).map_err(|fault| self.failed(fault))?;
            self.purge_tenant(key).await?;
        }
        Ok(())
    }
}

/// The values of an endpoint in [`PUT`].
struct Values<'e> {
    tenant: &'e str,
    id: &'e str,
    definition: String,
    enabled: bool,
    over: Option<i64>,
}

impl<'e> Values<'e> {
    fn of(EndpointPut { endpoint, over }: &'e EndpointPut) -> FaultResult<Self> {
        Ok(Self {
            tenant: endpoint.tenant.as_str(),
            id: endpoint.id.as_str(),
            definition: serde_json::to_string(endpoint)?,
            enabled: endpoint.enabled,
            over: over.map(|version| i64::try_from(version).unwrap_or(i64::MAX)),
        })
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 5] {
        [
            &self.tenant,
            &self.id,
            &self.definition,
            &self.enabled,
            &self.over,
        ]
    }
}

/// Buries a part of an endpoint's pending deliveries. Returns whether there was one.
async fn bury_some(
    session: &Session,
    endpoint: i32,
    last_event: i64,
    at: i64,
) -> FaultResult<bool> {
    let (reason, minute) = (DELETED.as_bytes(), Interval::Minute.number(millis(at)));
    let counter = i16::from(Counter::DEAD.0);
    let params: Params<'_> = &[
        &endpoint,
        &last_event,
        &at,
        &reason,
        &AT_A_TIME,
        &minute,
        &counter,
    ];
    let rows = session.rows(BURY, params).await?;
    let buried = rows.first().map_or(Ok(0), |row| column::<i64>(row, 0));
    Ok(buried? > 0)
}

fn endpoint(row: &Row) -> FaultResult<Option<Endpoint>> {
    let Some(definition) = column::<Option<&str>>(row, 2)? else {
        return Ok(None);
    };
    let mut endpoint: Endpoint = serde_json::from_str(definition)?;
    endpoint.version = column::<i64>(row, 1)?.unsigned_abs();
    Ok(Some(endpoint))
}
