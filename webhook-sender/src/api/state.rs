//! What handlers share.

use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use webhook_client::Client;
use webhook_model::{Clock, TenantId};
use webhook_store::{Queries, Tenants};

use super::error::ApiError;
use crate::config::Rules;
use crate::plan::{DispatchPort, Planner};
use crate::registry::Registry;

/// The parts of the sender that the API talks to.
pub struct Parts {
    pub tenants: Arc<dyn Tenants>,
    pub queries: Arc<dyn Queries>,
    pub registry: Arc<Registry>,
    pub planner: Planner,
    pub lanes: Arc<dyn DispatchPort>,
    pub client: Arc<Client>,
    /// What declarations are held to, as of the last reload.
    pub rules: watch::Receiver<Arc<Rules>>,
    /// The most bytes of an event's data.
    pub max_data_bytes: usize,
    pub clock: Clock,
    pub status: Arc<dyn Status>,
}

/// What the sender knows of itself.
#[async_trait]
pub trait Status: Send + Sync + 'static {
    /// Why it cannot work at present, for operators.
    async fn unready(&self) -> Option<String>;
    /// An event was taken.
    fn published(&self);
    /// Its metrics, as OpenMetrics text.
    async fn metrics(&self) -> Bytes;
}

/// The same, cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Parts>);

impl Api {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// # Errors
    ///
    /// 404 for a tenant that does not exist.
    pub async fn require(&self, tenant: &TenantId) -> Result<(), ApiError> {
        match self.registry.tenant(tenant).await? {
            Some(_) => Ok(()),
            None => Err(ApiError::not_found("tenant", tenant)),
        }
    }
}

impl Deref for Api {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
