//! Access keys.

use async_trait::async_trait;
use tokio_postgres::Row;
use webhook_model::{AccessKey, KeyId, Millis, TenantId};

use super::PostgresStore;
use super::fault::FaultResult;
use super::row::{column, millis};
use super::session::{Params, query};
use super::store::call;
use crate::{KeyAddition, Keys, MAX_KEYS, Result};

const LIST: &str = "SELECT body FROM access_keys ORDER BY name LIMIT $1";

/// Makes additions wait for each other, so that the number of keys stays within its limit.
const LOCK: &str = "LOCK TABLE access_keys IN SHARE ROW EXCLUSIVE MODE";

/// Adds a key unless there are `$6`. Returns the number of keys before, and 1 if it was added.
const ADD: &str = "WITH known AS (SELECT count(*) AS number FROM access_keys),
    added AS (
        INSERT INTO access_keys (id, name, hash, tenant, body)
        SELECT $1, $2, $3, $4, $5 FROM known WHERE known.number < $6
        ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT (SELECT number FROM known), (SELECT count(*) FROM added)";

const DELETE: &str = "DELETE FROM access_keys WHERE id = $1 RETURNING body";
const SESSIONS: &str = "DELETE FROM access_sessions WHERE key = $1";
const USES: &str = "DELETE FROM access_key_uses WHERE key = $1";

/// The statements that delete the keys of a tenant and what belongs to them.
const DELETE_OF: [&str; 4] = [
    "DELETE FROM access_sessions WHERE key IN (SELECT id FROM access_keys WHERE tenant = $1)",
    "DELETE FROM access_sessions WHERE tenant = $1",
    "DELETE FROM access_key_uses WHERE key IN (SELECT id FROM access_keys WHERE tenant = $1)",
    "DELETE FROM access_keys WHERE tenant = $1",
];

const RECORD: &str = "INSERT INTO access_key_uses (key, at)
    SELECT * FROM unnest($1::text[], $2::bigint[]) n (key, at) ORDER BY key
    ON CONFLICT (key) DO UPDATE SET at = greatest(access_key_uses.at, excluded.at)";

const LIST_USES: &str = "SELECT key, at FROM access_key_uses ORDER BY key";

#[async_trait]
impl Keys for PostgresStore {
    async fn keys(&self) -> Result<Vec<AccessKey>> {
        let most = MAX_KEYS as i64;
        let rows = call!(self, session => session.rows(LIST, &[&most]).await)?;
        let keys: FaultResult<_> = rows.iter().map(read).collect();
        keys.map_err(|fault| self.failed(fault))
    }

    async fn add_key(&self, key: &AccessKey) -> Result<KeyAddition> {
        let body = serde_json::to_vec(key).map_err(|error| self.failed(error.into()))?;
        let (hash, most) = (&key.hash.as_bytes()[..], MAX_KEYS as i64);
        let tenant = key.tenant.as_ref().map(TenantId::as_str);
        let params: Params<'_> = &[&key.id.as_str(), &key.name, &hash, &tenant, &body, &most];
        let queries = [query(LOCK, &[]), query(ADD, params)];
        let rows = call!(self, session => session.transaction(&queries).await)?;
        let read = || -> FaultResult<(i64, i64)> {
            match rows.last().and_then(|rows| rows.first()) {
                Some(row) => Ok((column(row, 0)?, column(row, 1)?)),
                None => Ok((0, 0)),
            }
        };
        let (before, added) = read().map_err(|fault| self.failed(fault))?;
        Ok(match (before, added) {
            (_, 1) => KeyAddition::Added,
            (before, _) if before >= most => KeyAddition::TooMany,
            _ => KeyAddition::Taken,
        })
    }

    async fn delete_key(&self, id: &KeyId) -> Result<Option<AccessKey>> {
        let id = id.as_str();
        let params: Params<'_> = &[&id];
        let queries = [DELETE, SESSIONS, USES].map(|sql| query(sql, params));
        let rows = call!(self, session => session.transaction(&queries).await)?;
        let deleted = rows.first().and_then(|rows| rows.first()).map(read);
        deleted.transpose().map_err(|fault| self.failed(fault))
    }

    async fn delete_keys_of(&self, tenant: &TenantId) -> Result<()> {
        let tenant = tenant.as_str();
        let params: Params<'_> = &[&tenant];
        let queries = DELETE_OF.map(|sql| query(sql, params));
        call!(self, session => session.transaction(&queries).await)?;
        Ok(())
    }

    async fn record_key_uses(&self, uses: &[(KeyId, Millis)]) -> Result<()> {
        let keys: Vec<&str> = uses.iter().map(|(key, _)| key.as_str()).collect();
        let times: Vec<i64> = uses.iter().map(|(_, at)| at.as_i64()).collect();
        call!(self, session => session.rows(RECORD, &[&keys, &times]).await)?;
        Ok(())
    }

    async fn key_uses(&self) -> Result<Vec<(KeyId, Millis)>> {
        let rows = call!(self, session => session.rows(LIST_USES, &[]).await)?;
        let read = |row: &Row| Ok((KeyId::parse(column(row, 0)?)?, millis(column(row, 1)?)));
        let uses: FaultResult<_> = rows.iter().map(read).collect();
        uses.map_err(|fault| self.failed(fault))
    }
}

fn read(row: &Row) -> FaultResult<AccessKey> {
    Ok(serde_json::from_slice(column(row, 0)?)?)
}
