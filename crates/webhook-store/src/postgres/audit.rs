//! The audit list.

use async_trait::async_trait;
use tokio_postgres::Row;
use webhook_model::{AuditEntry, AuditId, Millis, TenantId};

use super::PostgresStore;
use super::fault::FaultResult;
use super::row::column;
use super::session::{Params, query};
use super::store::call;
use crate::access::{AT_A_TIME, audit_range, page};
use crate::{Audit, AuditFilter, Cursor, Page, Result};

const PUT: &str = "INSERT INTO audit (id, tenant, body) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, body = excluded.body";

/// Deletes some entries of a tenant behind the newest `$3`.
const TRIM: &str = "DELETE FROM audit WHERE id IN (
        SELECT id FROM audit WHERE tenant = $1 ORDER BY id DESC LIMIT $2 OFFSET $3
    )";

const LIST: &str = "SELECT body FROM audit WHERE id >= $1 AND id < $2 ORDER BY id DESC LIMIT $3";

const LIST_OF: &str = "SELECT body FROM audit WHERE tenant = $4 AND id >= $1 AND id < $2
    ORDER BY id DESC LIMIT $3";

const PRUNE: &str = "DELETE FROM audit WHERE id IN (
        SELECT id FROM audit WHERE id < $1 ORDER BY id LIMIT $2
    ) RETURNING 1";

#[async_trait]
impl Audit for PostgresStore {
    async fn put_audit_entry(&self, entry: &AuditEntry, keep: usize) -> Result<()> {
        let body = serde_json::to_vec(entry).map_err(|error| self.failed(error.into()))?;
        let tenant = entry.tenant.as_ref().map_or("", TenantId::as_str);
        let (most, keep) = (AT_A_TIME as i64, i64::try_from(keep).unwrap_or(i64::MAX));
        let id = entry.id.as_str();
        let put: Params<'_> = &[&id, &tenant, &body];
        let trim: Params<'_> = &[&tenant, &most, &keep];
        let queries = [query(PUT, put), query(TRIM, trim)];
        call!(self, session => session.transaction(&queries).await)?;
        Ok(())
    }

    async fn audit_entries(
        &self,
        filter: &AuditFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AuditEntry>> {
        let (from, to) = audit_range(filter, cursor)?;
        let most = limit as i64 + 1;
        let rows = match filter.tenant.as_ref().map(TenantId::as_str) {
            Some(tenant) => {
                let params: Params<'_> = &[&from, &to, &most, &tenant];
                call!(self, session => session.rows(LIST_OF, params).await)?
            }
            None => {
                let params: Params<'_> = &[&from, &to, &most];
                call!(self, session => session.rows(LIST, params).await)?
            }
        };
        let items: FaultResult<Vec<_>> = rows.iter().map(read).collect();
        let items = items.map_err(|fault| self.failed(fault))?;
        Ok(page("a", items, limit, |entry: &AuditEntry| {
            entry.id.as_str()
        }))
    }

    async fn prune_audit(&self, before: Millis) -> Result<bool> {
        let (before, most) = (AuditId::prefix(before), AT_A_TIME as i64);
        let deleted = call!(self, session => session.rows(PRUNE, &[&before, &most]).await)?;
        Ok(deleted.len() == AT_A_TIME)
    }
}

fn read(row: &Row) -> FaultResult<AuditEntry> {
    Ok(serde_json::from_slice(column(row, 0)?)?)
}
