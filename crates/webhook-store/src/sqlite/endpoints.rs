//! Reads, writes and deletes endpoints.

use rusqlite::{Connection, OptionalExtension, params};
use webhook_model::{Endpoint, EndpointId, Millis, TenantId};

use super::job::{FaultResult, Step, Tx};
use super::queue::Effect;
use super::sweep::Deleted;
use super::tenants::next_version;
use super::{lookup, sweep};
use crate::StoreError;

pub(super) fn endpoints(
    sql: &Connection,
    tenant: &TenantId,
) -> FaultResult<Option<(u64, Vec<Endpoint>)>> {
    // One statement, because a change could come between two.
    let mut all = sql.prepare_cached(
        "SELECT t.version, p.definition FROM tenants t
         LEFT JOIN endpoints p ON p.tenant = t.key AND p.definition IS NOT NULL
         WHERE t.id = ?1 ORDER BY p.id",
    )?;
    let mut rows = all.query([tenant.as_str()])?;
    let mut found = None;
    while let Some(row) = rows.next()? {
        let version = row.get::<_, i64>(0)?.unsigned_abs();
        let (_, endpoints) = found.get_or_insert_with(|| (version, Vec::new()));
        if let Some(definition) = row
            .get_ref(1)?
            .as_str_or_null()
            .map_err(rusqlite::Error::from)?
        {
            endpoints.push(serde_json::from_str(definition)?);
        }
    }
    Ok(found)
}

pub(super) fn put(tx: &mut Tx<'_>, endpoint: &Endpoint, over: Option<u64>) -> FaultResult<u64> {
    let (tenant, _) = lookup::known_tenant(tx.sql, &endpoint.tenant)?;
    if stored_version(tx.sql, tenant, &endpoint.id)? != over {
        return Err(StoreError::Conflict {
            tenant: endpoint.tenant.clone(),
            endpoint: endpoint.id.clone(),
        }
        .into());
    }
    let version = changed(tx.sql, tenant)?;
    let mut stored = endpoint.clone();
    stored.version = version.unsigned_abs();
    let endpoint_key = write(tx.sql, tenant, version, &stored)?;
    let first = lookup::first(tx.sql, endpoint_key, i64::MIN, |seq| tx.is_in_flight(seq))?;
    tx.then(Effect::EndpointPut {
        endpoint_key,
        tenant: stored.tenant,
        endpoint: stored.id,
        enabled: stored.enabled,
        first,
    });
    Ok(stored.version)
}

fn stored_version(sql: &Connection, tenant: i64, id: &EndpointId) -> FaultResult<Option<u64>> {
    let mut found = sql.prepare_cached(
        "SELECT version FROM endpoints
         WHERE tenant = ?1 AND id = ?2 AND definition IS NOT NULL",
    )?;
    let version = found.query_row((tenant, id.as_str()), |row| row.get::<_, i64>(0));
    Ok(version.optional()?.map(i64::unsigned_abs))
}

/// Raises the version of a tenant's endpoints.
fn changed(sql: &Connection, tenant: i64) -> FaultResult<i64> {
    let version = next_version(sql)?;
    sql.prepare_cached("UPDATE tenants SET version = ?2 WHERE key = ?1")?
        .execute((tenant, version))?;
    Ok(version)
}

fn write(sql: &Connection, tenant: i64, version: i64, endpoint: &Endpoint) -> FaultResult<i64> {
    let mut put = sql.prepare_cached(
        "INSERT INTO endpoints (tenant, id, definition, version, enabled)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, id) DO UPDATE SET definition = excluded.definition,
             version = excluded.version, enabled = excluded.enabled, deleted_at = NULL
         RETURNING key",
    )?;
    let definition = serde_json::to_string(endpoint)?;
    let id = endpoint.id.as_str();
    let row = params![tenant, id, definition, version, endpoint.enabled];
    Ok(put.query_row(row, |row| row.get(0))?)
}

/// The deletion of an endpoint: removes its definition first, so that no event is planned for it any
/// more, and then buries its pending deliveries.
#[derive(Default)]
pub(super) struct Deletion(Option<Deleted>);

impl Deletion {
    pub fn step(
        &mut self,
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        id: &EndpointId,
        now: Millis,
    ) -> FaultResult<Step<bool>> {
        let deleted = match &self.0 {
            Some(deleted) => deleted,
            None => match mark(tx, tenant, id, now)? {
                Some(deleted) => self.0.insert(deleted),
                None => return Ok(Step::Done(false)),
            },
        };
        let all = sweep::endpoint(tx, deleted)?;
        Ok(if all { Step::Done(true) } else { Step::More })
    }
}

fn mark(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: &EndpointId,
    now: Millis,
) -> FaultResult<Option<Deleted>> {
    let Some((tenant, _)) = lookup::tenant(tx.sql, tenant)? else {
        return Ok(None);
    };
    if stored_version(tx.sql, tenant, id)?.is_none() {
        return Ok(None);
    }
    changed(tx.sql, tenant)?;
    let mut mark = tx.sql.prepare_cached(
        "UPDATE endpoints SET definition = NULL, deleted_at = ?3
         WHERE tenant = ?1 AND id = ?2 RETURNING key",
    )?;
    let endpoint = mark.query_row((tenant, id.as_str(), now.as_i64()), |row| row.get(0))?;
    tx.then(Effect::EndpointRemoved {
        endpoint_key: endpoint,
    });
    Ok(Some(Deleted {
        endpoint,
        last_key: tx.last_key(),
        at: now.as_i64(),
    }))
}
