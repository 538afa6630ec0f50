//! The audit list.

use rusqlite::{Connection, params};
use webhook_model::{AuditEntry, AuditId, Millis, TenantId};

use super::job::FaultResult;
use crate::access::{AT_A_TIME, audit_range, page};
use crate::{AuditFilter, Cursor, Page};

pub(super) fn put(sql: &Connection, entry: &AuditEntry, keep: usize) -> FaultResult<()> {
    let tenant = entry.tenant.as_ref().map_or("", TenantId::as_str);
    sql.prepare_cached("INSERT OR REPLACE INTO audit (id, tenant, body) VALUES (?1, ?2, ?3)")?
        .execute((entry.id.as_str(), tenant, serde_json::to_string(entry)?))?;
    sql.prepare_cached(
        "DELETE FROM audit WHERE id IN
         (SELECT id FROM audit WHERE tenant = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3)",
    )?
    .execute((tenant, AT_A_TIME as i64, keep as i64))?;
    Ok(())
}

pub(super) fn list(
    sql: &Connection,
    filter: &AuditFilter,
    cursor: Option<&Cursor>,
    limit: usize,
) -> FaultResult<Page<AuditEntry>> {
    let (from, to) = audit_range(filter, cursor)?;
    let tenant = filter.tenant.as_ref().map(TenantId::as_str);
    let of_tenant = match tenant {
        Some(_) => "tenant = ?4",
        None => "?4 IS NULL",
    };
    let mut all = sql.prepare_cached(&format!(
        "SELECT body FROM audit WHERE id >= ?1 AND id < ?2 AND {of_tenant}
         ORDER BY id DESC LIMIT ?3"
    ))?;
    let mut rows = all.query(params![from, to, limit as i64 + 1, tenant])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(serde_json::from_str(&row.get::<_, String>(0)?)?);
    }
    Ok(page("a", items, limit, |entry: &AuditEntry| {
        entry.id.as_str()
    }))
}

/// Deletes some of the entries from before a moment. Returns whether there may be more.
pub(super) fn prune(sql: &Connection, before: Millis) -> FaultResult<bool> {
    let deleted = sql
        .prepare_cached(
            "DELETE FROM audit WHERE id IN
             (SELECT id FROM audit WHERE id < ?1 ORDER BY id LIMIT ?2)",
        )?
        .execute((AuditId::prefix(before), AT_A_TIME as i64))?;
    Ok(deleted == AT_A_TIME)
}
