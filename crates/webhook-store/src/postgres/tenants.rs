//! Lists, creates and deletes tenants.

use webhook_model::TenantId;

use super::PostgresStore;
use super::row::column;
use super::session::{Params, query};
use super::store::{AT_A_TIME, call};
use crate::Result;

const LIST: &str = "SELECT id, version FROM tenants WHERE id IS NOT NULL ORDER BY id";

const PUT: &str = "INSERT INTO tenants (id, version) VALUES ($1, nextval('versions'))
    ON CONFLICT (id) DO NOTHING RETURNING key";

const FIND: &str = "SELECT key FROM tenants WHERE id = $1";

/// Removes the id first, so that the tenant is not found any more. It waits for plans in progress.
const REMOVE: &str = "UPDATE tenants SET id = NULL WHERE id = $1 RETURNING key";

/// Deletes events with all that belongs to them.
const EVENTS: &str = "DELETE FROM events WHERE key IN (
        SELECT key FROM events WHERE tenant = $1 ORDER BY id LIMIT $2
    ) RETURNING 1";

const REJECTED: &str = "DELETE FROM rejected WHERE tenant = $1";
const MINUTES: &str = "DELETE FROM outcome_minutes WHERE endpoint = -$1::int OR endpoint IN (
        SELECT key FROM endpoints WHERE tenant = $1
    )";
const HOURS: &str = "DELETE FROM outcome_hours WHERE endpoint = -$1::int OR endpoint IN (
        SELECT key FROM endpoints WHERE tenant = $1
    )";
const ENDPOINTS: &str = "DELETE FROM endpoints WHERE tenant = $1";
const TENANT: &str = "DELETE FROM tenants WHERE key = $1";

impl PostgresStore {
    pub(super) async fn listed_tenants(&self) -> Result<Vec<(TenantId, u64)>> {
        let rows = call!(self, session => session.rows(LIST, &[]).await)?;
        let tenant = |row: &tokio_postgres::Row| {
            let id = TenantId::parse(column(row, 0)?)?;
            Ok((id, column::<i64>(row, 1)?.unsigned_abs()))
        };
        let tenants: super::fault::FaultResult<_> = rows.iter().map(tenant).collect();
        tenants.map_err(|fault| self.failed(fault))
    }

    pub(super) async fn create_tenant(&self, tenant: &TenantId) -> Result<bool> {
        // A version that an existing tenant leaves unused does no harm, but an insertion that finds
        // the tenant costs a lock.
        let found = call!(self, session => session.rows(FIND, &[&tenant.as_str()]).await)?;
        if !found.is_empty() {
            return Ok(false);
        }
        let created = call!(self, session => session.rows(PUT, &[&tenant.as_str()]).await)?;
        Ok(!created.is_empty())
    }

    pub(super) async fn remove_tenant(&self, tenant: &TenantId) -> Result<bool> {
        let removed = call!(self, session => session.rows(REMOVE, &[&tenant.as_str()]).await)?;
        let Some(row) = removed.first() else {
            return Ok(false);
        };
        let key = column(row, 0).map_err(|fault| self.failed(fault))?;
        self.purge_tenant(key).await?;
        Ok(true)
    }

    /// Deletes the data of a tenant whose id is removed, in steps.
    pub(super) async fn purge_tenant(&self, key: i32) -> Result<()> {
        loop {
            let deleted = call!(self, session => {
                session.rows(EVENTS, &[&key, &AT_A_TIME]).await
            })?;
            if deleted.is_empty() {
                break;
            }
        }
        let params: Params<'_> = &[&key];
        let rest = [REJECTED, MINUTES, HOURS, ENDPOINTS, TENANT].map(|sql| query(sql, params));
        call!(self, session => session.transaction(&rest).await)?;
        Ok(())
    }
}
