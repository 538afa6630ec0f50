//! Lists, creates and deletes tenants.

use rusqlite::Connection;
use webhook_model::TenantId;

use super::job::{FaultResult, Step, Tx};
use super::lookup;
use super::queue::Effect;
use super::sweep;

pub(super) fn tenants(sql: &Connection) -> FaultResult<Vec<(TenantId, u64)>> {
    let mut all =
        sql.prepare_cached("SELECT id, version FROM tenants WHERE id IS NOT NULL ORDER BY id")?;
    let mut rows = all.query([])?;
    let mut tenants = Vec::new();
    while let Some(row) = rows.next()? {
        let id = TenantId::parse(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
        tenants.push((id, row.get::<_, i64>(1)?.unsigned_abs()));
    }
    Ok(tenants)
}

/// Returns a version that was never used before, not even by a deleted tenant of the same id.
pub(super) fn next_version(sql: &Connection) -> FaultResult<i64> {
    sql.prepare_cached("UPDATE counters SET versions = versions + 1")?
        .execute([])?;
    let mut version = sql.prepare_cached("SELECT versions FROM counters")?;
    Ok(version.query_row([], |row| row.get(0))?)
}

pub(super) fn put(sql: &Connection, id: &TenantId) -> FaultResult<bool> {
    if lookup::tenant(sql, id)?.is_some() {
        return Ok(false);
    }
    let version = next_version(sql)?;
    sql.prepare_cached("INSERT INTO tenants (id, version) VALUES (?1, ?2)")?
        .execute((id.as_str(), version))?;
    Ok(true)
}

/// The deletion of a tenant: removes its id first, so that it is not found any more, and then its
/// data.
#[derive(Default)]
pub(super) struct Deletion(Option<i64>);

impl Deletion {
    pub fn step(&mut self, tx: &mut Tx<'_>, id: &TenantId) -> FaultResult<Step<bool>> {
        let Some(key) = self.0 else {
            let Some((key, _)) = lookup::tenant(tx.sql, id)? else {
                return Ok(Step::Done(false));
            };
            tx.sql
                .prepare_cached("UPDATE tenants SET id = NULL WHERE key = ?1")?
                .execute([key])?;
            tx.then(Effect::TenantRemoved { tenant: id.clone() });
            self.0 = Some(key);
            return Ok(Step::More);
        };
        Ok(if sweep::tenant(tx, key)? {
            Step::Done(true)
        } else {
            Step::More
        })
    }
}
