//! Tenants and their endpoints, and the identity of the content.

use async_trait::async_trait;
use futures::future::try_join_all;
use webhook_model::{Endpoint, EndpointId, Millis, TenantId};

use crate::StoreError;
use crate::error::Result;

/// An endpoint to store, and the version of the stored one that it replaces: `None` if there is none.
#[derive(Clone, Debug)]
pub struct EndpointPut {
    pub endpoint: Endpoint,
    pub over: Option<u64>,
}

/// Tenants and their endpoints, and the identity of the content, which reveals its loss.
#[async_trait]
pub trait Tenants: Send + Sync + 'static {
    /// Returns all tenants in the order of their ids, each with the version of its endpoints. Cheap
    /// enough for a call every second.
    async fn tenants(&self) -> Result<Vec<(TenantId, u64)>>;

    /// Creates a tenant. Returns whether it is new.
    async fn put_tenant(&self, tenant: &TenantId) -> Result<bool>;

    /// Deletes a tenant and all of its data. Returns whether it existed.
    async fn delete_tenant(&self, tenant: &TenantId) -> Result<bool>;

    /// Returns the version of a tenant's endpoints, and the endpoints in the order of their ids;
    /// `None` for an unknown tenant. Every change to any of them raises the version.
    async fn endpoints(&self, tenant: &TenantId) -> Result<Option<(u64, Vec<Endpoint>)>>;

    /// Stores `endpoint` if the stored one has version `over` (`None`: if there is none). Its version
    /// becomes the tenant's new version, which is returned.
    ///
    /// Pending deliveries of a disabled endpoint stay pending, and are not due until it is enabled.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the stored version is another one, [`StoreError::UnknownTenant`].
    async fn put_endpoint(&self, endpoint: &Endpoint, over: Option<u64>) -> Result<u64>;

    /// Stores endpoints as [`put_endpoint`](Self::put_endpoint) does, in fewer steps. Returns their
    /// versions in order, `None` for one whose stored version is another one.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownTenant`]. Some endpoints may be stored then.
    async fn put_endpoints(&self, puts: &[EndpointPut]) -> Result<Vec<Option<u64>>> {
        let puts =
            puts.iter().map(
                async |put| match self.put_endpoint(&put.endpoint, put.over).await {
                    Ok(version) => Ok(Some(version)),
                    Err(StoreError::Conflict { .. }) => Ok(None),
                    Err(error) => Err(error),
                },
            );
        try_join_all(puts).await
    }

    /// Deletes an endpoint, and buries its pending deliveries with the reason `endpoint deleted`. A
    /// delivery in flight is buried too, unless its attempt ends it. Returns whether the endpoint
    /// existed.
    async fn delete_endpoint(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        now: Millis,
    ) -> Result<bool>;

    /// Returns the identity of the content: `None` before the first [`Tenants::identify`], and
    /// after the content was lost. A store that cannot lose its content while it is open returns an
    /// empty identity.
    async fn identity(&self) -> Result<Option<String>> {
        Ok(Some(String::new()))
    }

    /// Sets a random identity, unless the content has one. The caller has restored everything that
    /// the store must contain.
    async fn identify(&self) -> Result<()> {
        Ok(())
    }

    /// Removes the identity if it is still this one, because part of the content was lost.
    async fn disown(&self, _identity: &str) -> Result<()> {
        Ok(())
    }
}
