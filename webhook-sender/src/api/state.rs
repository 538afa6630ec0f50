//! The state that handlers share.

use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use webhook_client::Client;
use webhook_model::{Clock, TenantId};
use webhook_store::{Queries, Tenants};

use super::error::ApiError;
use super::previews::Previews;
use crate::audit::AuditLog;
use crate::config::Rules;
use crate::feed::Feed;
use crate::keys::Keyring;
use crate::plan::{DispatchPort, Planner, SingleAttempt};
use crate::registry::Registry;

/// The parts of the sender that the API uses.
pub struct Parts {
    pub tenants: Arc<dyn Tenants>,
    pub queries: Arc<dyn Queries>,
    pub registry: Arc<Registry>,
    pub planner: Planner,
    pub dispatch_port: Arc<dyn DispatchPort>,
    pub client: Arc<Client>,
    /// The rules for declarations, as of the last reload.
    pub rules: watch::Receiver<Arc<Rules>>,
    /// The most bytes of an event's data.
    pub max_data_bytes: usize,
    pub clock: Clock,
    pub status: Arc<dyn Status>,
    pub keyring: Arc<Keyring>,
    /// The happenings of this process.
    pub feed: Feed,
    /// Makes test deliveries.
    pub single: Arc<dyn SingleAttempt>,
    pub previews: Previews,
    /// Cancelled when the sender stops, which ends streams.
    pub stopping: CancellationToken,
    pub audit: AuditLog,
    /// The address of the pages for users, without which links name the host of the request.
    pub pages_url: Option<String>,
}

/// The readiness and the metrics of the sender.
#[async_trait]
pub trait Status: Send + Sync + 'static {
    /// Returns the reason why the sender is not ready, for operators.
    async fn unready(&self) -> Option<String>;
    /// Counts an accepted event.
    fn published(&self);
    /// Returns the metrics as OpenMetrics text.
    async fn metrics(&self) -> Bytes;
}

/// A handle to the [`Parts`], cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Parts>);

impl Api {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Checks that a tenant exists.
    ///
    /// # Errors
    ///
    /// Returns 404 if it does not.
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
