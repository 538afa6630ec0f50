//! Reads, writes and deletes endpoints.

use webhook_model::{Endpoint, EndpointId, Millis, TenantId};

use super::RedisStore;
use super::keys::TenantKeys;
use super::scripts::{BURY_ENDPOINT, DROP_ENDPOINT, PUT_ENDPOINT};
use super::store::{AT_A_TIME, stamp, tenant_call};
use crate::{Result, StoreError};

/// The field of a tenant's hash that is not an endpoint.
const VERSION: &str = ":v";

impl RedisStore {
    pub(super) async fn endpoints_of(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<(u64, Vec<Endpoint>)>> {
        let mut command = redis::cmd("HGETALL");
        command.arg(TenantKeys::of(tenant).root());
        let rows: Vec<(String, String)> = self.query(&command).await?;
        let mut endpoints = Vec::with_capacity(rows.len());
        let mut version = None;
        for (field, value) in &rows {
            if field == VERSION {
                version = value.parse().ok();
            } else {
                endpoints.push(self.read_endpoint(tenant, field, value)?);
            }
        }
        endpoints.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(version.map(|version| (version, endpoints)))
    }

    fn read_endpoint(&self, tenant: &TenantId, id: &str, value: &str) -> Result<Endpoint> {
        // Without the value itself, which contains secrets.
        let fail = || {
            self.failed(format!(
                "endpoint `{id}` of tenant `{tenant}` cannot be read"
            ))
        };
        let (version, json) = value.split_once(' ').ok_or_else(fail)?;
        let mut endpoint: Endpoint = serde_json::from_str(json).map_err(|_| fail())?;
        endpoint.version = version.parse().map_err(|_| fail())?;
        Ok(endpoint)
    }

    pub(super) async fn write_endpoint(
        &self,
        endpoint: &Endpoint,
        over: Option<u64>,
    ) -> Result<u64> {
        let json = serde_json::to_string(endpoint).map_err(|error| self.failed(error))?;
        loop {
            let mut call = tenant_call(&PUT_ENDPOINT, &endpoint.tenant);
            call.arg(endpoint.id.as_str());
            call.arg(over.map(|version| version.to_string()).unwrap_or_default());
            call.arg(u8::from(endpoint.enabled)).arg(&json);
            let reply: Vec<String> = self.run(&PUT_ENDPOINT, &call).await?;
            match reply
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice()
            {
                ["done", version, lowered] => {
                    self.raise_version(&endpoint.tenant, version).await?;
                    self.publish_wake(&endpoint.tenant, lowered).await;
                    return version.parse().map_err(|error| self.failed(error));
                }
                ["busy"] => {
                    self.bury_rest(&endpoint.tenant, &endpoint.id, endpoint.updated_at)
                        .await?;
                }
                ["unknown"] => return Err(StoreError::UnknownTenant(endpoint.tenant.clone())),
                _ => {
                    return Err(StoreError::Conflict {
                        tenant: endpoint.tenant.clone(),
                        endpoint: endpoint.id.clone(),
                    });
                }
            }
        }
    }

    pub(super) async fn remove_endpoint(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Millis,
    ) -> Result<bool> {
        let mut call = tenant_call(&DROP_ENDPOINT, tenant);
        call.arg(endpoint.as_str());
        let version: String = self.run(&DROP_ENDPOINT, &call).await?;
        if !version.is_empty() {
            self.raise_version(tenant, &version).await?;
        }
        self.bury_rest(tenant, endpoint, now).await?;
        Ok(!version.is_empty())
    }

    /// Buries pending deliveries of a deleted endpoint.
    pub(super) async fn bury_rest(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Millis,
    ) -> Result<()> {
        loop {
            let mut call = tenant_call(&BURY_ENDPOINT, tenant);
            call.arg(endpoint.as_str()).arg(&stamp(now)).arg(AT_A_TIME);
            if !self.run::<bool>(&BURY_ENDPOINT, &call).await? {
                return Ok(());
            }
        }
    }
}
