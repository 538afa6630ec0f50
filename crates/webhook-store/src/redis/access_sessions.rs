//! Sessions of the pages and of portals.

use async_trait::async_trait;
use webhook_model::{AccessSession, Millis, SessionId, TenantId, TokenHash};

use super::RedisStore;
use super::keys;
use super::scripts::{ADD_SESSION, DROP_SESSION, EXTEND_SESSION, PRUNE_SESSIONS};
use super::store::shared_call;
use crate::access::{AT_A_TIME, page, session_bound};
use crate::{Cursor, MAX_PORTAL_SESSIONS, Page, Result, Sessions};

#[async_trait]
impl Sessions for RedisStore {
    async fn add_session(&self, session: &AccessSession) -> Result<bool> {
        let tenant = session.portal.as_ref().map(|portal| portal.tenant.as_str());
        let mut call = shared_call(&ADD_SESSION);
        call.arg(String::from(session.hash))
            .arg(session.id.as_str());
        call.arg(session.key.as_str())
            .arg(tenant.unwrap_or_default());
        call.arg(session.expires_at.0);
        call.arg(self.write_access(session)?)
            .arg(MAX_PORTAL_SESSIONS);
        self.run(&ADD_SESSION, &call).await
    }

    async fn session(&self, hash: &TokenHash) -> Result<Option<AccessSession>> {
        let body = self.session_body(&String::from(*hash)).await?;
        body.map(|body| self.read_access(&body)).transpose()
    }

    async fn portal_sessions(
        &self,
        tenant: &TenantId,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AccessSession>> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(keys::sessions_of(tenant));
        command.arg(format!("({}", session_bound(cursor)?)).arg("-");
        command.arg("BYLEX").arg("REV");
        command.arg("LIMIT").arg(0).arg(limit + 1);
        let ids: Vec<String> = self.query(&command).await?;
        let Page { items, next_cursor } = page("s", ids, limit, |id: &String| id);
        let hashes = self.values(&keys::session_ids(), &items).await?;
        let hashes: Vec<String> = hashes.into_iter().flatten().collect();
        let bodies = self.values(&keys::access_sessions(), &hashes).await?;
        let read = |body: &String| self.read_access(body);
        let items = bodies.iter().flatten().map(read).collect::<Result<_>>()?;
        Ok(Page { items, next_cursor })
    }

    async fn extend_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
        now: Millis,
        until: Millis,
    ) -> Result<Option<AccessSession>> {
        // It is repeated only if another call has moved the end or ended the session meanwhile.
        while let Some((hash, body, mut session)) = self.portal_session(tenant, id).await? {
            if session.expires_at <= now {
                break;
            }
            session.expires_at = until;
            let mut call = shared_call(&EXTEND_SESSION);
            call.arg(hash).arg(body);
            call.arg(self.write_access(&session)?).arg(until.0);
            if self.run::<bool>(&EXTEND_SESSION, &call).await? {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    async fn delete_session(&self, hash: &TokenHash) -> Result<Option<AccessSession>> {
        self.drop_session(&String::from(*hash)).await
    }

    async fn delete_portal_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<AccessSession>> {
        match self.portal_session(tenant, id).await? {
            Some((hash, ..)) => self.drop_session(&hash).await,
            None => Ok(None),
        }
    }

    async fn prune_sessions(&self, now: Millis, used_before: Millis) -> Result<bool> {
        self.prune_uses(used_before).await?;
        let mut call = shared_call(&PRUNE_SESSIONS);
        call.arg(now.0).arg(AT_A_TIME);
        self.run(&PRUNE_SESSIONS, &call).await
    }
}

impl RedisStore {
    async fn session_body(&self, hash: &str) -> Result<Option<String>> {
        let mut command = redis::cmd("HGET");
        command.arg(keys::access_sessions()).arg(hash);
        self.query(&command).await
    }

    /// Returns values of a hash; `None` for a field that does not exist any more.
    pub(super) async fn values(
        &self,
        hash: &str,
        fields: &[String],
    ) -> Result<Vec<Option<String>>> {
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("HMGET");
        command.arg(hash).arg(fields);
        self.query(&command).await
    }

    /// Returns a tenant's portal session with its hash and its stored form.
    async fn portal_session(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<(String, String, AccessSession)>> {
        let mut command = redis::cmd("HGET");
        command.arg(keys::session_ids()).arg(id.as_str());
        let Some(hash) = self.query::<Option<String>>(&command).await? else {
            return Ok(None);
        };
        let Some(body) = self.session_body(&hash).await? else {
            return Ok(None);
        };
        let session: AccessSession = self.read_access(&body)?;
        let owner = session.portal.as_ref().map(|portal| &portal.tenant);
        Ok((owner == Some(tenant)).then_some((hash, body, session)))
    }

    async fn drop_session(&self, hash: &str) -> Result<Option<AccessSession>> {
        let mut call = shared_call(&DROP_SESSION);
        call.arg(hash);
        let body: Option<String> = self.run(&DROP_SESSION, &call).await?;
        body.map(|body| self.read_access(&body)).transpose()
    }
}
