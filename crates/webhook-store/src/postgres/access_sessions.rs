//! Sessions of the pages and of portals.

use async_trait::async_trait;
use tokio_postgres::Row;
use webhook_model::{AccessSession, Millis, SessionId, TenantId, TokenHash};

use super::PostgresStore;
use super::fault::FaultResult;
use super::row::column;
use super::session::{Params, query};
use super::store::call;
use crate::access::{AT_A_TIME, page, session_bound};
use crate::{Cursor, MAX_PORTAL_SESSIONS, Page, Result, Sessions};

/// Adds a session unless its tenant has `$7`. Concurrent additions may exceed that by a few.
const ADD: &str = "INSERT INTO access_sessions (hash, id, key, tenant, expires_at, body)
    SELECT $1, $2, $3, $4, $5, $6
    WHERE $4::text IS NULL OR (SELECT count(*) FROM access_sessions WHERE tenant = $4) < $7
    RETURNING 1";

const FIND: &str = "SELECT body FROM access_sessions WHERE hash = $1";

const LIST: &str = "SELECT body FROM access_sessions
    WHERE tenant = $1 AND id < $2 ORDER BY id DESC LIMIT $3";

const LOCK: &str = "SELECT body FROM access_sessions
    WHERE id = $1 AND tenant = $2 AND expires_at > $3 FOR UPDATE";

const EXTEND: &str = "UPDATE access_sessions SET expires_at = $2, body = $3 WHERE id = $1";

const DELETE: &str = "DELETE FROM access_sessions WHERE hash = $1 RETURNING body";

const DELETE_PORTAL: &str =
    "DELETE FROM access_sessions WHERE id = $1 AND tenant = $2 RETURNING body";

const PRUNE: &str = "DELETE FROM access_sessions WHERE hash IN (
        SELECT hash FROM access_sessions WHERE expires_at < $1 LIMIT $2
    ) RETURNING 1";

const PRUNE_USES: &str = "DELETE FROM access_key_uses WHERE key IN (
        SELECT key FROM access_key_uses WHERE at < $1 LIMIT $2
    ) RETURNING 1";

#[async_trait]
impl Sessions for PostgresStore {
    async fn add_session(&self, session: &AccessSession) -> Result<bool> {
        let body = serde_json::to_vec(session).map_err(|error| self.failed(error.into()))?;
        let (hash, most) = (&session.hash.as_bytes()[..], MAX_PORTAL_SESSIONS as i64);
        let tenant = session.portal.as_ref().map(|portal| portal.tenant.as_str());
        let (id, key) = (session.id.as_str(), session.key.as_str());
        let until = session.expires_at.as_i64();
        let params: Params<'_> = &[&hash, &id, &key, &tenant, &until, &body, &most];
        let added = call!(self, session => session.rows(ADD, params).await)?;
        Ok(!added.is_empty())
    }

    async fn session(&self, hash: &TokenHash) -> Result<Option<AccessSession>> {
        self.one_session(FIND, &[&&hash.as_bytes()[..]]).await
    }

    async fn portal_sessions(
        &self,
        tenant: &TenantId,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AccessSession>> {
        let (below, most) = (session_bound(cursor)?, limit as i64 + 1);
        let params: Params<'_> = &[&tenant.as_str(), &below, &most];
        let rows = call!(self, session => session.rows(LIST, params).await)?;
        let items: FaultResult<Vec<_>> = rows.iter().map(read).collect();
        let items = items.map_err(|fault| self.failed(fault))?;
        Ok(page("s", items, limit, |session: &AccessSession| {
            session.id.as_str()
        }))
    }

    async fn extend_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
        now: Millis,
        until: Millis,
    ) -> Result<Option<AccessSession>> {
        let (id, tenant, now) = (id.as_str(), tenant.as_str(), now.as_i64());
        let end = until.as_i64();
        call!(self, session => {
            let found = session.begin(&[query(LOCK, &[&id, &tenant, &now])]).await?;
            match found.first().and_then(|rows| rows.first()) {
                None => {
                    session.roll_back().await?;
                    Ok(None)
                }
                Some(row) => {
                    let mut moved = read(row)?;
                    moved.expires_at = until;
                    let body = serde_json::to_vec(&moved)?;
                    session.commit(&[query(EXTEND, &[&id, &end, &body])]).await?;
                    Ok(Some(moved))
                }
            }
        })
    }

    async fn delete_session(&self, hash: &TokenHash) -> Result<Option<AccessSession>> {
        self.one_session(DELETE, &[&&hash.as_bytes()[..]]).await
    }

    async fn delete_portal_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<AccessSession>> {
        let params: Params<'_> = &[&id.as_str(), &tenant.as_str()];
        self.one_session(DELETE_PORTAL, params).await
    }

    async fn prune_sessions(&self, now: Millis, used_before: Millis) -> Result<bool> {
        let (now, used_before, most) = (now.as_i64(), used_before.as_i64(), AT_A_TIME as i64);
        let sessions = call!(self, session => session.rows(PRUNE, &[&now, &most]).await)?;
        let uses = call!(self, session => {
            session.rows(PRUNE_USES, &[&used_before, &most]).await
        })?;
        Ok(sessions.len() == AT_A_TIME || uses.len() == AT_A_TIME)
    }
}

impl PostgresStore {
    async fn one_session(&self, sql: &str, params: Params<'_>) -> Result<Option<AccessSession>> {
        let rows = call!(self, session => session.rows(sql, params).await)?;
        let found = rows.first().map(read).transpose();
        found.map_err(|fault| self.failed(fault))
    }
}

fn read(row: &Row) -> FaultResult<AccessSession> {
    Ok(serde_json::from_slice(column(row, 0)?)?)
}
