//! The audit list.

use async_trait::async_trait;
use webhook_model::{AuditEntry, AuditId, Millis, TenantId};

use super::RedisStore;
use super::keys;
use super::scripts::{PRUNE_AUDIT, PUT_AUDIT};
use super::store::shared_call;
use crate::access::{AT_A_TIME, audit_range, page};
use crate::{Audit, AuditFilter, Cursor, Page, Result};

#[async_trait]
impl Audit for RedisStore {
    async fn put_audit_entry(&self, entry: &AuditEntry, keep: usize) -> Result<()> {
        let mut call = shared_call(&PUT_AUDIT);
        call.arg(entry.id.as_str());
        call.arg(entry.tenant.as_ref().map_or("", TenantId::as_str));
        call.arg(self.write_access(entry)?).arg(keep).arg(AT_A_TIME);
        self.run::<i64>(&PUT_AUDIT, &call).await.map(drop)
    }

    async fn audit_entries(
        &self,
        filter: &AuditFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AuditEntry>> {
        let (from, to) = audit_range(filter, cursor)?;
        let mut command = redis::cmd("ZRANGE");
        command.arg(keys::audit_ids(filter.tenant.as_ref()));
        command.arg(format!("({to}")).arg(format!("[{from}"));
        command.arg("BYLEX").arg("REV");
        command.arg("LIMIT").arg(0).arg(limit + 1);
        let ids: Vec<String> = self.query(&command).await?;
        let Page { items, next_cursor } = page("a", ids, limit, |id: &String| id);
        let values = self.values(&keys::audit(), &items).await?;
        let read = |value: &String| {
            let (_, body) = value.split_once(' ').unwrap_or_default();
            self.read_access(body)
        };
        let items = values.iter().flatten().map(read).collect::<Result<_>>()?;
        Ok(Page { items, next_cursor })
    }

    async fn prune_audit(&self, before: Millis) -> Result<bool> {
        let mut call = shared_call(&PRUNE_AUDIT);
        call.arg(AuditId::prefix(before)).arg(AT_A_TIME);
        self.run(&PRUNE_AUDIT, &call).await
    }
}
