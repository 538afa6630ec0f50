//! Keeps the store's word on how endpoints stand: failing, well again, or disabled.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use serde_json::json;

use crate::deliver::Notices;
use crate::model::{Clock, Endpoint, EndpointId, Event, EventId, Millis, TenantId};
use crate::plan::Planner;
use crate::registry::Registry;
use crate::store::{Store, StoreError};

/// The type of the event that tells a tenant of an endpoint that was disabled.
const DISABLED: &str = "operational.endpoint.disabled";

/// Writes what deliveries tell of endpoints to the store, and publishes what tenants have to know.
pub struct Standing {
    store: Arc<dyn Store>,
    registry: Arc<Registry>,
    clock: Clock,
    /// Set once: the planner needs the places of delivery, and delivery tells this.
    planner: OnceLock<Planner>,
}

impl Standing {
    pub fn new(store: Arc<dyn Store>, registry: Arc<Registry>, clock: Clock) -> Self {
        Self {
            store,
            registry,
            clock,
            planner: OnceLock::new(),
        }
    }

    /// Publishes with `planner` from now on; only the first one is taken.
    pub fn publish_with(&self, planner: Planner) {
        let _ = self.planner.set(planner);
    }

    /// Changes an endpoint, and again where somebody else did so at the same time. `change` answers
    /// false where there is nothing to change. Answers whether there was.
    async fn update(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
        change: impl Fn(&mut Endpoint) -> bool,
    ) -> Result<bool, StoreError> {
        loop {
            let stored = self.store.endpoints(tenant).await?;
            let mut endpoints = stored.into_iter().flat_map(|(_, endpoints)| endpoints);
            let Some(mut endpoint) = endpoints.find(|endpoint| endpoint.id == *id) else {
                return Ok(false);
            };
            if !change(&mut endpoint) {
                return Ok(false);
            }
            endpoint.updated_at = self.clock.now();
            match self
                .store
                .put_endpoint(&endpoint, Some(endpoint.version))
                .await
            {
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
                Ok(_) => {
                    self.registry.reload(tenant).await?;
                    return Ok(true);
                }
            }
        }
    }

    async fn publish_disabled(&self, tenant: &TenantId, endpoint: &EndpointId, reason: &str) {
        let now = self.clock.now();
        let data = json!({ "endpoint": endpoint, "reason": reason, "at": now.to_string() });
        let event = Event {
            id: EventId::random(),
            kind: DISABLED.into(),
            data: data.to_string().into(),
            at: now,
            ordering_key: None,
        };
        let Some(planner) = self.planner.get() else {
            return;
        };
        if let Err(error) = planner.submit(tenant, event).await {
            tracing::error!(%tenant, %endpoint, %error, "operational event not published");
        }
    }
}

#[async_trait]
impl Notices for Standing {
    async fn endpoint_disabled(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        reason: &str,
    ) -> Result<(), StoreError> {
        let disable = |endpoint: &mut Endpoint| {
            let was = std::mem::replace(&mut endpoint.enabled, false);
            endpoint.disabled_reason = Some(reason.into());
            was
        };
        if self.update(tenant, endpoint, disable).await? {
            tracing::warn!(%tenant, %endpoint, reason, "endpoint disabled");
            self.publish_disabled(tenant, endpoint, reason).await;
        }
        Ok(())
    }

    async fn endpoint_failing(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        since: Millis,
    ) -> Result<(), StoreError> {
        let failing = |endpoint: &mut Endpoint| {
            let news = endpoint.failing_since.is_none();
            endpoint.failing_since.get_or_insert(since);
            news
        };
        self.update(tenant, endpoint, failing).await.map(drop)
    }

    async fn endpoint_recovered(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
    ) -> Result<(), StoreError> {
        let recovered = |endpoint: &mut Endpoint| endpoint.failing_since.take().is_some();
        self.update(tenant, endpoint, recovered).await.map(drop)
    }
}
