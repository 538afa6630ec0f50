//! Sessions of the pages and of portals.

use rusqlite::{Connection, OptionalExtension, Params, params};
use webhook_model::{AccessSession, Millis, SessionId, TenantId, TokenHash};

use super::job::FaultResult;
use crate::access::{AT_A_TIME, page, session_bound};
use crate::{Cursor, MAX_PORTAL_SESSIONS, Page};

pub(super) fn add(sql: &Connection, session: &AccessSession) -> FaultResult<bool> {
    let tenant = session.portal.as_ref().map(|portal| portal.tenant.as_str());
    if let Some(tenant) = tenant {
        let mut count =
            sql.prepare_cached("SELECT count(*) FROM access_sessions WHERE tenant = ?1")?;
        let count: i64 = count.query_row([tenant], |row| row.get(0))?;
        if count >= MAX_PORTAL_SESSIONS as i64 {
            return Ok(false);
        }
    }
    let row = params![
        session.hash.as_bytes(),
        session.id.as_str(),
        session.key.as_str(),
        tenant,
        session.expires_at.as_i64(),
        serde_json::to_string(session)?
    ];
    sql.prepare_cached(
        "INSERT INTO access_sessions (hash, id, key, tenant, expires_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(row)?;
    Ok(true)
}

pub(super) fn find(sql: &Connection, hash: &TokenHash) -> FaultResult<Option<AccessSession>> {
    let select = "SELECT body FROM access_sessions WHERE hash = ?1";
    one(sql, select, [hash.as_bytes()])
}

pub(super) fn list(
    sql: &Connection,
    tenant: &TenantId,
    cursor: Option<&Cursor>,
    limit: usize,
) -> FaultResult<Page<AccessSession>> {
    let below = session_bound(cursor)?;
    let mut all = sql.prepare_cached(
        "SELECT body FROM access_sessions WHERE tenant = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
    )?;
    let mut rows = all.query(params![tenant.as_str(), below, limit as i64 + 1])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(&row.get::<_, String>(0)?)?);
    }
    Ok(page("s", items, limit, |session: &AccessSession| {
        session.id.as_str()
    }))
}

pub(super) fn extend(
    sql: &Connection,
    tenant: &TenantId,
    id: &SessionId,
    now: Millis,
    until: Millis,
) -> FaultResult<Option<AccessSession>> {
    let select =
        "SELECT body FROM access_sessions WHERE id = ?1 AND tenant = ?2 AND expires_at > ?3";
    let params = (id.as_str(), tenant.as_str(), now.as_i64());
    let Some(mut session) = one(sql, select, params)? else {
        return Ok(None);
    };
    session.expires_at = until;
    sql.prepare_cached("UPDATE access_sessions SET expires_at = ?2, body = ?3 WHERE id = ?1")?
        .execute(params![
            id.as_str(),
            until.as_i64(),
            serde_json::to_string(&session)?
        ])?;
    Ok(Some(session))
}

pub(super) fn delete(sql: &Connection, hash: &TokenHash) -> FaultResult<Option<AccessSession>> {
    let delete = "DELETE FROM access_sessions WHERE hash = ?1 RETURNING body";
    one(sql, delete, [hash.as_bytes()])
}

pub(super) fn delete_portal(
    sql: &Connection,
    tenant: &TenantId,
    id: &SessionId,
) -> FaultResult<Option<AccessSession>> {
    let delete = "DELETE FROM access_sessions WHERE id = ?1 AND tenant = ?2 RETURNING body";
    one(sql, delete, (id.as_str(), tenant.as_str()))
}

/// Deletes ended sessions and old uses, some of each. Returns whether there may be more.
pub(super) fn prune(sql: &Connection, now: Millis, used_before: Millis) -> FaultResult<bool> {
    let mut more = false;
    for (table, key, column, before) in [
        ("access_sessions", "hash", "expires_at", now),
        ("access_key_uses", "key", "at", used_before),
    ] {
        let deleted = sql
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE {key} IN
                 (SELECT {key} FROM {table} WHERE {column} < ?1 LIMIT ?2)"
            ))?
            .execute((before.as_i64(), AT_A_TIME as i64))?;
        more |= deleted == AT_A_TIME;
    }
    Ok(more)
}

fn one(
    sql: &Connection,
    statement: &str,
    params: impl Params,
) -> FaultResult<Option<AccessSession>> {
    let mut statement = sql.prepare_cached(statement)?;
    let body: Option<String> = statement.query_row(params, |row| row.get(0)).optional()?;
    body.as_deref().map(read).transpose()
}

fn read(body: &str) -> FaultResult<AccessSession> {
    Ok(serde_json::from_str(body)?)
}
