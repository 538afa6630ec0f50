//! Tenants and their endpoints, and whether the store still has them.

use async_trait::async_trait;
use webhook_model::{Endpoint, EndpointId, Millis, TenantId};

use crate::error::Result;

/// Tenants and their endpoints, and the identity of the content that they are part of.
#[async_trait]
pub trait Tenants: Send + Sync + 'static {
    /// All tenants in the order of their ids, each with the version of its endpoints. Cheap: asked
    /// every second.
    async fn tenants(&self) -> Result<Vec<(TenantId, u64)>>;

    /// Answers whether the tenant is new.
    async fn put_tenant(&self, tenant: &TenantId) -> Result<bool>;

    /// Removes a tenant and all it has. Answers whether there was one.
    async fn delete_tenant(&self, tenant: &TenantId) -> Result<bool>;

    /// The version of a tenant's endpoints, and the endpoints in the order of their ids; `None` for
    /// an unknown tenant. The version goes up with every change to any of them.
    async fn endpoints(&self, tenant: &TenantId) -> Result<Option<(u64, Vec<Endpoint>)>>;

    /// Stores `endpoint`, provided that the stored one still has version `over` (`None`: that there
    /// is none). Its version becomes the tenant's new one, which is answered.
    ///
    /// When an endpoint is disabled its pending deliveries stay pending and are not due until it is
    /// enabled.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`](crate::StoreError::Conflict) if it has not, [`StoreError::UnknownTenant`](crate::StoreError::UnknownTenant).
    async fn put_endpoint(&self, endpoint: &Endpoint, over: Option<u64>) -> Result<u64>;

    /// Removes an endpoint and buries what is pending for it with the reason
    /// `endpoint deleted`; what is in flight is, unless it ends with this attempt. Answers whether
    /// there was one.
    async fn delete_endpoint(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Millis,
    ) -> Result<bool>;

    /// Returns the identity of the content. `None` before the first [`Tenants::identify`], and after
    /// the content was lost. A store that cannot lose its content while it is open has an empty one.
    async fn identity(&self) -> Result<Option<String>> {
        Ok(Some(String::new()))
    }

    /// Gives the content an identity, a random one, unless it has one: whatever has to be in the store
    /// is there.
    async fn identify(&self) -> Result<()> {
        Ok(())
    }

    /// Takes the identity away, if it is still this one: part of the content was lost.
    async fn disown(&self, _identity: &str) -> Result<()> {
        Ok(())
    }
}
