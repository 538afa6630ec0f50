//! Creates, lists and deletes tenants.

use webhook_model::TenantId;

use super::RedisStore;
use super::keys;
use super::scripts::{DROP_TENANT, PURGE_TENANT, PUT_TENANT, RAISE_VERSION, UNLIST_TENANT};
use super::store::{AT_A_TIME, shared_call, tenant_call};
use crate::Result;

impl RedisStore {
    /// Returns every tenant with its version, in the order of their ids; 0 while a tenant is being
    /// created or deleted.
    pub(super) async fn indexed_tenants(&self) -> Result<Vec<(TenantId, u64)>> {
        let mut command = redis::cmd("HGETALL");
        command.arg(keys::tenants());
        let rows: Vec<(String, u64)> = self.query(&command).await?;
        let tenant = |(id, version): (String, u64)| Some((TenantId::parse(&id).ok()?, version));
        let mut tenants: Vec<_> = rows.into_iter().filter_map(tenant).collect();
        tenants.sort();
        Ok(tenants)
    }

    pub(super) async fn listed_tenants(&self) -> Result<Vec<(TenantId, u64)>> {
        let mut tenants = self.indexed_tenants().await?;
        tenants.retain(|(_, version)| *version > 0);
        Ok(tenants)
    }

    pub(super) async fn create_tenant(&self, tenant: &TenantId) -> Result<bool> {
        // First into the index: recovery never visits a tenant that is not in it.
        let mut index = redis::cmd("HSETNX");
        index.arg(keys::tenants()).arg(tenant.as_str()).arg(0);
        self.query::<i64>(&index).await?;
        let mut highest = redis::cmd("GET");
        highest.arg(keys::highest_version());
        loop {
            let highest: Option<u64> = self.query(&highest).await?;
            let mut call = tenant_call(&PUT_TENANT, tenant);
            call.arg(highest.unwrap_or_default() + 1);
            let (new, version): (i64, String) = self.run(&PUT_TENANT, &call).await?;
            if new >= 0 {
                self.raise_version(tenant, &version).await?;
                return Ok(new == 1);
            }
            self.purge(tenant).await?;
        }
    }

    pub(super) async fn remove_tenant(&self, tenant: &TenantId) -> Result<bool> {
        let version: String = self
            .run(&DROP_TENANT, &tenant_call(&DROP_TENANT, tenant))
            .await?;
        let existed = !version.is_empty();
        if existed {
            self.unlist(tenant, &version).await?;
        }
        self.purge(tenant).await?;
        Ok(existed)
    }

    /// Deletes the remaining data of a dropped tenant.
    pub(super) async fn purge(&self, tenant: &TenantId) -> Result<()> {
        loop {
            let mut call = tenant_call(&PURGE_TENANT, tenant);
            call.arg(AT_A_TIME);
            if !self.run::<bool>(&PURGE_TENANT, &call).await? {
                break;
            }
        }
        self.delete_rejected_of(tenant).await?;
        self.unlist(tenant, "").await
    }

    async fn unlist(&self, tenant: &TenantId, version: &str) -> Result<()> {
        let mut call = shared_call(&UNLIST_TENANT);
        call.arg(tenant.as_str()).arg(version);
        self.run::<i64>(&UNLIST_TENANT, &call).await.map(drop)
    }

    /// Raises a tenant's version in the index, which announces changed endpoints to other processes.
    pub(super) async fn raise_version(&self, tenant: &TenantId, version: &str) -> Result<()> {
        let mut call = shared_call(&RAISE_VERSION);
        call.arg(tenant.as_str()).arg(version);
        self.run::<i64>(&RAISE_VERSION, &call).await.map(drop)
    }
}
