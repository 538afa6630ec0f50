//! The registry of tenants.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use event_transforms::component::Folder;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use webhook_model::{Endpoint, EndpointId, TenantId};
use webhook_store::{StoreError, Tenants};

use super::compiled_endpoint::{CompiledEndpoint, EndpointError};
use super::content::Content;
use super::limits::{AllLimits, Budget, Limits};
use super::tenant::Tenant;
use crate::background;

/// The number of tenants that are loaded at a time: enough to hide the latency of the store, and
/// few enough that their components are not all compiled at once.
const RELOADS_AT_ONCE: usize = 8;

/// The tenants and their endpoints, as of their last change or reload.
pub struct Registry {
    store: Arc<dyn Tenants>,
    components: Folder,
    tenants: RwLock<HashMap<TenantId, Arc<Tenant>>>,
    /// The number of reloads begun so far. A reload that a later one has overtaken changes nothing.
    reloads: AtomicU64,
    content: Content,
    limits: AllLimits,
}

impl Registry {
    /// Returns an empty registry. Tenants are loaded on demand.
    pub fn new(store: Arc<dyn Tenants>) -> Self {
        Self::with_components(store, Folder::default())
    }

    /// Returns an empty registry, whose endpoints may name components of that folder as their
    /// transforms.
    pub fn with_components(store: Arc<dyn Tenants>, components: Folder) -> Self {
        Self {
            store,
            components,
            tenants: RwLock::default(),
            reloads: AtomicU64::new(0),
            content: Content::default(),
            limits: AllLimits::default(),
        }
    }

    /// Sets the tenants that the configuration declares: if one is missing, the store has lost
    /// content.
    pub fn declare(&self, tenants: HashSet<TenantId>) {
        self.content.declare(tenants);
    }

    /// Sets the limits of all tenants, and those of tenants that have their own.
    pub fn set_limits(&self, general: Limits, own: HashMap<TenantId, Limits>) {
        self.limits.set(general, own);
    }

    /// Returns the limits of a tenant.
    pub fn limits(&self, tenant: &TenantId) -> Limits {
        self.limits.of(tenant)
    }

    /// Returns the budget of the bodies that are rendered for a tenant.
    pub fn budget(&self, tenant: &TenantId) -> Arc<Budget> {
        self.limits.budget(tenant)
    }

    /// Waits until the store has lost content.
    pub async fn content_lost(&self) {
        self.content.lost().await;
    }

    /// Returns a tenant, and loads it if it is not known yet.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store.
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        match self.known(id) {
            Some(tenant) => Ok(Some(tenant)),
            None => self.reload(id).await,
        }
    }

    /// Returns an endpoint of a loaded tenant.
    pub fn endpoint(&self, tenant: &TenantId, id: &EndpointId) -> Option<Arc<CompiledEndpoint>> {
        self.known(tenant)?.endpoint(id).cloned()
    }

    /// Returns every endpoint of the loaded tenants.
    pub fn endpoints(&self) -> Vec<Arc<CompiledEndpoint>> {
        let tenants = self
            .tenants
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let endpoints = tenants.values().flat_map(|tenant| &tenant.endpoints);
        endpoints.cloned().collect()
    }

    /// Loads a tenant from the store. Known endpoints that are unchanged are not compiled again.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store.
    pub async fn reload(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        let loaded = self.reloads.fetch_add(1, Ordering::Relaxed);
        let (store, known) = (&*self.store, self.known(id));
        let identity = self.content.identity(store).await?;
        let stored = store.endpoints(id).await?;
        let version = stored.as_ref().map(|(version, _)| *version);
        let checked = self
            .content
            .check(store, (id, version), known.as_deref(), &identity);
        checked.await?;
        let Some((version, endpoints)) = stored else {
            self.write().remove(id);
            return Ok(None);
        };
        let (endpoints, unusable) = compile_all(known, endpoints, &self.components).await;
        let tenant = Arc::new(Tenant {
            version,
            endpoints,
            unusable,
            loaded,
            identity,
        });
        let mut tenants = self.write();
        match tenants.get(id) {
            Some(later) if later.loaded > loaded => Ok(Some(later.clone())),
            _ => {
                tenants.insert(id.clone(), tenant.clone());
                Ok(Some(tenant))
            }
        }
    }

    /// Loads every tenant that is new or has changed, or whose components have changed, and removes
    /// deleted ones.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let identity = self.content.identity(&*self.store).await?;
        let stored: HashMap<_, _> = self.store.tenants().await?.into_iter().collect();
        let is_current = |id: &TenantId, version: u64| {
            let known = self.known(id);
            known.is_some_and(|known| {
                known.version == version && known.identity == identity && known.is_current()
            })
        };
        let changed = stored.iter().filter(|(id, at)| !is_current(id, **at));
        let reloads: Vec<_> = changed.map(|(id, _)| self.reload(id).boxed()).collect();
        let mut reloads = stream::iter(reloads).buffer_unordered(RELOADS_AT_ONCE);
        while reloads.try_next().await?.is_some() {}
        self.write().retain(|id, _| stored.contains_key(id));
        self.limits.forget(|id| !stored.contains_key(id));
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

/// Compiles endpoints. Known endpoints that are unchanged are reused.
async fn compile_all(
    before: Option<Arc<Tenant>>,
    endpoints: Vec<Endpoint>,
    components: &Folder,
) -> (Vec<Arc<CompiledEndpoint>>, Vec<(Endpoint, String)>) {
    let known = |endpoint: &Endpoint| {
        let known = before.as_ref()?.endpoint(&endpoint.id)?;
        known.is(endpoint).then(|| known.clone())
    };
    let (mut compiled, mut unusable) = (Vec::with_capacity(endpoints.len()), Vec::new());
    for endpoint in endpoints {
        match known(&endpoint) {
            Some(known) => compiled.push(known),
            None => match compile(endpoint.clone(), components).await {
                Ok(new) => compiled.push(Arc::new(new)),
                Err(error) => {
                    let Endpoint { tenant, id, .. } = &endpoint;
                    tracing::error!(%tenant, endpoint = %id, %error, "endpoint cannot be used");
                    unusable.push((endpoint, error.to_string()));
                }
            },
        }
    }
    (compiled, unusable)
}

/// Compiles one endpoint, outside the async threads if it has programs.
async fn compile(
    endpoint: Endpoint,
    components: &Folder,
) -> Result<CompiledEndpoint, EndpointError> {
    let components = components.clone();
    let compiled = if CompiledEndpoint::has_no_programs(&endpoint) {
        CompiledEndpoint::new(endpoint, &components)?
    } else {
        background::run(move || CompiledEndpoint::new(endpoint, &components))
            .await
            .unwrap_or_else(|_| Err(EndpointError::Interrupted))?
    };
    if let Err(error) = &compiled.programs {
        let error = error.detail();
        let Endpoint { tenant, id, .. } = &compiled.endpoint;
        tracing::error!(%tenant, endpoint = %id, %error, "programs of the endpoint cannot be used");
    }
    Ok(compiled)
}
