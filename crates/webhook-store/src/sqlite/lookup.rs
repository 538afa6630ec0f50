//! Lookups that several jobs share.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};
use webhook_model::{EndpointId, TenantId};

use super::job::FaultResult;
use super::queue::{Queue, QueuePosition};
use super::row::state;
use crate::StoreError;

/// Returns a tenant's key, and the version of its endpoints.
pub(super) fn tenant(sql: &Connection, id: &TenantId) -> FaultResult<Option<(i64, u64)>> {
    let mut found = sql.prepare_cached("SELECT key, version FROM tenants WHERE id = ?1")?;
    let row = found.query_row([id.as_str()], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?))
    });
    Ok(row
        .optional()?
        .map(|(key, version)| (key, version.unsigned_abs())))
}

/// Returns a tenant's key and version, or [`StoreError::UnknownTenant`].
pub(super) fn known_tenant(sql: &Connection, id: &TenantId) -> FaultResult<(i64, u64)> {
    let found = tenant(sql, id)?;
    Ok(found.ok_or_else(|| StoreError::UnknownTenant(id.clone()))?)
}

/// Returns an endpoint's key, also that of a deleted one.
pub(super) fn endpoint(sql: &Connection, tenant: i64, id: &EndpointId) -> FaultResult<Option<i64>> {
    let mut found =
        sql.prepare_cached("SELECT key FROM endpoints WHERE tenant = ?1 AND id = ?2")?;
    Ok(found
        .query_row((tenant, id.as_str()), |row| row.get(0))
        .optional()?)
}

/// A cache of which endpoints exist, for the duration of a job.
pub(super) struct ExistingEndpoints<'a> {
    sql: &'a Connection,
    known: HashMap<i64, bool>,
}

impl<'a> ExistingEndpoints<'a> {
    pub fn new(sql: &'a Connection) -> Self {
        Self {
            sql,
            known: HashMap::new(),
        }
    }

    pub fn has(&mut self, endpoint: i64) -> FaultResult<bool> {
        if let Some(alive) = self.known.get(&endpoint) {
            return Ok(*alive);
        }
        let mut found = self
            .sql
            .prepare_cached("SELECT definition IS NOT NULL FROM endpoints WHERE key = ?1")?;
        let alive = found
            .query_row([endpoint], |row| row.get(0))
            .optional()?
            .unwrap_or(false);
        self.known.insert(endpoint, alive);
        Ok(alive)
    }
}

/// Returns the first position of an endpoint's queue from time `from` on that is not in flight.
pub(super) fn first(
    sql: &Connection,
    endpoint_key: i64,
    from: i64,
    in_flight: impl Fn(i64) -> bool,
) -> FaultResult<Option<QueuePosition>> {
    let mut found = sql.prepare_cached(
        "SELECT at, seq FROM deliveries INDEXED BY deliveries_due
         WHERE endpoint = ?1 AND state = 0 AND at >= ?2 ORDER BY at, seq",
    )?;
    let mut rows = found.query((endpoint_key, from))?;
    while let Some(row) = rows.next()? {
        let position = QueuePosition {
            at: row.get(0)?,
            seq: row.get(1)?,
        };
        if !in_flight(position.seq) {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

/// Returns whether the ordering group has a delivery that is due, in flight or waiting.
pub(super) fn is_busy(
    sql: &Connection,
    endpoint_key: i64,
    ordering_group: &str,
) -> FaultResult<bool> {
    let mut found = sql.prepare_cached(
        "SELECT 1 FROM deliveries INDEXED BY deliveries_chained
         WHERE endpoint = ?1 AND chain = ?2 AND state < 2 LIMIT 1",
    )?;
    Ok(found.exists((endpoint_key, ordering_group))?)
}

/// Loads the queue from the disk.
pub(super) fn load(sql: &Connection, queue: &mut Queue) -> FaultResult<()> {
    let mut all = sql.prepare(
        "SELECT p.key, t.id, p.id, p.enabled FROM endpoints p JOIN tenants t ON t.key = p.tenant
         WHERE p.definition IS NOT NULL AND t.id IS NOT NULL",
    )?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let endpoint_key = row.get(0)?;
        let tenant = TenantId::parse(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
        let id = EndpointId::parse(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?;
        let first = first(sql, endpoint_key, i64::MIN, |_| false)?;
        queue
            .endpoint_queues
            .put(endpoint_key, tenant, id, row.get(3)?, first);
    }
    let mut accepted = sql.prepare(
        "SELECT t.id, count(*) FROM accepted a JOIN tenants t ON t.key = a.tenant
         WHERE t.id IS NOT NULL GROUP BY t.id",
    )?;
    let mut rows = accepted.query([])?;
    while let Some(row) = rows.next()? {
        let tenant = TenantId::parse(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
        queue.backlog.add(&tenant, row.get(1)?);
    }
    let count = |text: &str| sql.query_row(text, [], |row| row.get::<_, i64>(0));
    queue.pending =
        count("SELECT count(*) FROM deliveries INDEXED BY deliveries_due WHERE state = 0")?
            + count(
                "SELECT count(*) FROM deliveries INDEXED BY deliveries_chained
             WHERE chain IS NOT NULL AND state < 2 AND state = 1",
            )?;
    queue.dead =
        count("SELECT count(*) FROM deliveries INDEXED BY deliveries_dead WHERE state = 3")?
            + count("SELECT count(*) FROM rejected")?;
    Ok(())
}

/// Returns the last key in use.
pub(super) fn last_key(sql: &Connection) -> FaultResult<i64> {
    let last = "SELECT max(coalesce((SELECT max(key) FROM events), 0),
                           coalesce((SELECT max(seq) FROM deliveries), 0))";
    Ok(sql.query_row(last, [], |row| row.get(0))?)
}

/// The SQL above contains these numbers.
const _: () = assert!(state::DUE == 0 && state::WAITING == 1 && state::DEAD == 3);
