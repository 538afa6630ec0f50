//! A snapshot of the tenants and endpoints of a store, to compare a file with.

use std::collections::HashMap;

use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use webhook_model::{Endpoint, EndpointId, TenantId};
use webhook_store::{StoreError, Tenants};

/// The number of concurrent calls to the store: SQLite writes that many in one transaction, and Redis
/// receives them in one pipeline.
pub(super) const AT_ONCE: usize = 256;

/// All tenants of a store with their endpoints.
pub(super) struct Stored(HashMap<TenantId, HashMap<EndpointId, Endpoint>>);

impl Stored {
    pub async fn read(store: &dyn Tenants) -> Result<Self, StoreError> {
        let tenants = store.tenants().await?.into_iter();
        let reads: Vec<_> = tenants.map(|(id, _)| read(store, id).boxed()).collect();
        let all = stream::iter(reads).buffer_unordered(AT_ONCE);
        all.try_collect().await.map(Self)
    }

    pub fn has_tenant(&self, tenant: &TenantId) -> bool {
        self.0.contains_key(tenant)
    }

    pub fn get(&self, tenant: &TenantId, endpoint: &EndpointId) -> Option<&Endpoint> {
        self.0.get(tenant)?.get(endpoint)
    }

    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.values().flat_map(HashMap::values)
    }
}

async fn read(
    store: &dyn Tenants,
    tenant: TenantId,
) -> Result<(TenantId, HashMap<EndpointId, Endpoint>), StoreError> {
    let stored = store.endpoints(&tenant).await?;
    let endpoints = stored.map(|(_, endpoints)| endpoints).unwrap_or_default();
    let by_id = endpoints
        .into_iter()
        .map(|endpoint| (endpoint.id.clone(), endpoint));
    Ok((tenant, by_id.collect()))
}
