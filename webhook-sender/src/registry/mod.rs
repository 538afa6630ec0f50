//! The tenants and their endpoints, ready for use: URLs parsed, keys read, programs compiled once
//! per version of an endpoint.

mod ready;

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use crate::model::{EndpointId, TenantId};
use crate::store::{Store, StoreError};

pub use ready::{EndpointError, Ready};

/// A tenant's endpoints at one version.
pub struct Tenant {
    /// As [`Store::endpoints`] answered it.
    pub version: u64,
    /// Those that can be used, in the order of their ids.
    pub endpoints: Vec<Arc<Ready>>,
}

/// What is known of the tenants, as of their last change or reload.
pub struct Registry {
    store: Arc<dyn Store>,
    tenants: RwLock<HashMap<TenantId, Arc<Tenant>>>,
}

impl Registry {
    /// Knows nothing yet; tenants are loaded when they are asked for.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            tenants: RwLock::default(),
        }
    }

    /// A tenant, loaded if it is not known yet.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        match self.known(id) {
            Some(tenant) => Ok(Some(tenant)),
            None => self.reload(id).await,
        }
    }

    /// An endpoint of a tenant that was loaded.
    pub fn endpoint(&self, tenant: &TenantId, id: &EndpointId) -> Option<Arc<Ready>> {
        let tenant = self.known(tenant)?;
        let at = tenant
            .endpoints
            .binary_search_by(|ready| ready.endpoint.id.cmp(id))
            .ok()?;
        tenant.endpoints.get(at).cloned()
    }

    /// A tenant as the store has it now. Endpoints whose version is known are not compiled again.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn reload(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        let Some((version, endpoints)) = self.store.endpoints(id).await? else {
            self.write().remove(id);
            return Ok(None);
        };
        let before = self.known(id);
        let unchanged = |endpoint: &crate::model::Endpoint| {
            let endpoints = &before.as_ref()?.endpoints;
            let same = |ready: &&Arc<Ready>| ready.endpoint == *endpoint;
            endpoints.iter().find(same).cloned()
        };
        let endpoints = endpoints
            .into_iter()
            .filter_map(|endpoint| unchanged(&endpoint).or_else(|| ready(endpoint)))
            .collect();
        let tenant = Arc::new(Tenant { version, endpoints });
        self.write().insert(id.clone(), tenant.clone());
        Ok(Some(tenant))
    }

    /// Loads every tenant that is new or has changed, and forgets those that are gone.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let stored = self.store.tenants().await?;
        for (id, version) in &stored {
            if self.known(id).is_none_or(|known| known.version != *version) {
                self.reload(id).await?;
            }
        }
        let exists = |id: &TenantId| stored.iter().any(|(stored, _)| stored == id);
        self.write().retain(|id, _| exists(id));
        Ok(())
    }

    fn known(&self, id: &TenantId) -> Option<Arc<Tenant>> {
        self.tenants
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .get(id)
            .cloned()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<TenantId, Arc<Tenant>>> {
        self.tenants
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Endpoints are checked before they are written, so one that cannot be used was made by another
/// version of the sender. It is left alone, and its deliveries wait.
fn ready(endpoint: crate::model::Endpoint) -> Option<Arc<Ready>> {
    let (tenant, id) = (endpoint.tenant.clone(), endpoint.id.clone());
    match Ready::new(endpoint) {
        Ok(ready) => Some(Arc::new(ready)),
        Err(error) => {
            tracing::error!(%tenant, endpoint = %id, %error, "endpoint cannot be used");
            None
        }
    }
}
