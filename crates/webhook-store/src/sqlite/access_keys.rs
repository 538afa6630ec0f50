//! Access keys.

use rusqlite::{Connection, OptionalExtension, params};
use webhook_model::{AccessKey, KeyId, Millis, TenantId};

use super::job::FaultResult;
use super::row::millis;
use crate::{KeyAddition, MAX_KEYS};

pub(super) fn list(sql: &Connection) -> FaultResult<Vec<AccessKey>> {
    let mut all = sql.prepare_cached("SELECT body FROM access_keys ORDER BY name LIMIT ?1")?;
    let mut rows = all.query([MAX_KEYS as i64])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(read(&row.get::<_, String>(0)?)?);
    }
    Ok(keys)
}

pub(super) fn add(sql: &Connection, key: &AccessKey) -> FaultResult<KeyAddition> {
    let mut count = sql.prepare_cached("SELECT count(*) FROM access_keys")?;
    if count.query_row([], |row| row.get::<_, i64>(0))? >= MAX_KEYS as i64 {
        return Ok(KeyAddition::TooMany);
    }
    let row = params![
        key.id.as_str(),
        key.name,
        key.hash.as_bytes(),
        key.tenant.as_ref().map(TenantId::as_str),
        serde_json::to_string(key)?
    ];
    let mut insert = sql.prepare_cached(
        "INSERT INTO access_keys (id, name, hash, tenant, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )?;
    Ok(match insert.execute(row)? {
        0 => KeyAddition::Taken,
        _ => KeyAddition::Added,
    })
}

pub(super) fn delete(sql: &Connection, id: &KeyId) -> FaultResult<Option<AccessKey>> {
    let mut delete = sql.prepare_cached("DELETE FROM access_keys WHERE id = ?1 RETURNING body")?;
    let body: Option<String> = delete
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?;
    for table in ["access_sessions", "access_key_uses"] {
        sql.prepare_cached(&format!("DELETE FROM {table} WHERE key = ?1"))?
            .execute([id.as_str()])?;
    }
    body.as_deref().map(read).transpose()
}

pub(super) fn delete_of(sql: &Connection, tenant: &TenantId) -> FaultResult<()> {
    let of_keys = "IN (SELECT id FROM access_keys WHERE tenant = ?1)";
    for delete in [
        format!("DELETE FROM access_sessions WHERE key {of_keys}"),
        "DELETE FROM access_sessions WHERE tenant = ?1".into(),
        format!("DELETE FROM access_key_uses WHERE key {of_keys}"),
        "DELETE FROM access_keys WHERE tenant = ?1".into(),
    ] {
        sql.prepare_cached(&delete)?.execute([tenant.as_str()])?;
    }
    Ok(())
}

pub(super) fn record_uses(sql: &Connection, uses: &[(KeyId, Millis)]) -> FaultResult<()> {
    let mut put = sql.prepare_cached(
        "INSERT INTO access_key_uses (key, at) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET at = max(at, excluded.at)",
    )?;
    for (key, at) in uses {
        put.execute((key.as_str(), at.as_i64()))?;
    }
    Ok(())
}

pub(super) fn uses(sql: &Connection) -> FaultResult<Vec<(KeyId, Millis)>> {
    let mut all = sql.prepare_cached("SELECT key, at FROM access_key_uses ORDER BY key")?;
    let mut rows = all.query([])?;
    let mut uses = Vec::new();
    while let Some(row) = rows.next()? {
        uses.push((
            KeyId::try_from(row.get::<_, String>(0)?)?,
            millis(row.get(1)?),
        ));
    }
    Ok(uses)
}

fn read(body: &str) -> FaultResult<AccessKey> {
    Ok(serde_json::from_str(body)?)
}
