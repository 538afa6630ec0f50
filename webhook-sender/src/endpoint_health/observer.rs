//! What the rest of the sender is told change endpoints.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use webhook_model::{EndpointId, Millis, TenantId};
use webhook_store::StoreError;

use super::failure_tracker::HealthChange;

/// How long to wait before telling again what could not be told.
const PAUSE: Duration = Duration::from_secs(1);

/// Told in the order in which it happened, each once, and again while the store is unavailable.
/// What is told may be known already, or be out of date: it has to be checked against the store.
#[async_trait]
pub trait HealthObserver: Send + Sync + 'static {
    /// The endpoint has to be disabled, if it still has that version: its receiver answered 410, or
    /// has failed for too long.
    async fn endpoint_disabled(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        version: u64,
        reason: &str,
    ) -> Result<(), StoreError>;

    /// Every attempt since then has failed.
    async fn endpoint_failing(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        since: Millis,
    ) -> Result<(), StoreError>;

    /// An attempt has succeeded again.
    async fn endpoint_recovered(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
    ) -> Result<(), StoreError>;
}

/// A change and whom it is change.
pub(crate) type EndpointHealthChange = (TenantId, EndpointId, HealthChange);

/// Tells what comes in until `done`, and then what is left, though no more than once.
pub(crate) async fn report(
    observer: Arc<dyn HealthObserver>,
    mut queue: UnboundedReceiver<EndpointHealthChange>,
    done: CancellationToken,
) {
    while let Some(Some(change)) = done.run_until_cancelled(queue.recv()).await {
        while report_one(&*observer, &change).await.is_break() {
            if done.run_until_cancelled(sleep(PAUSE)).await.is_none() {
                break;
            }
        }
    }
    while let Ok(change) = queue.try_recv() {
        let _ = report_one(&*observer, &change).await;
    }
}

/// Breaks if it has to be told again.
async fn report_one(
    observer: &dyn HealthObserver,
    change: &EndpointHealthChange,
) -> ControlFlow<()> {
    let Err(error) = call(observer, change).await else {
        return ControlFlow::Continue(());
    };
    let (tenant, endpoint, change) = change;
    tracing::warn!(%tenant, %endpoint, change = change.name(), %error, "endpoint's state not recorded");
    match error {
        StoreError::Unavailable { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    }
}

async fn call(
    observer: &dyn HealthObserver,
    (tenant, endpoint, change): &EndpointHealthChange,
) -> Result<(), StoreError> {
    match change {
        HealthChange::Failing { since } => {
            observer.endpoint_failing(tenant, endpoint, *since).await
        }
        HealthChange::Recovered => observer.endpoint_recovered(tenant, endpoint).await,
        HealthChange::Disabled { version, reason } => {
            let disabled = observer.endpoint_disabled(tenant, endpoint, *version, reason);
            disabled.await
        }
    }
}
