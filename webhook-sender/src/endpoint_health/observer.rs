//! The interface through which changes of the health of endpoints are reported.

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

/// The wait before another try to report a change.
const PAUSE: Duration = Duration::from_secs(1);

/// Receives changes in the order in which they happen, each once, and again while the store is
/// unavailable. A change may be known already or be outdated, so the observer must compare it with
/// the store.
#[async_trait]
pub trait HealthObserver: Send + Sync + 'static {
    /// Disables the endpoint if it still has this version: its receiver responded 410, or has
    /// failed for too long.
    async fn endpoint_disabled(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        version: u64,
        reason: &str,
    ) -> Result<(), StoreError>;

    /// Records that every attempt since this moment has failed.
    async fn endpoint_failing(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        since: Millis,
    ) -> Result<(), StoreError>;

    /// Records that an attempt has succeeded again.
    async fn endpoint_recovered(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
    ) -> Result<(), StoreError>;
}

/// A change and the endpoint that it concerns.
pub(crate) type EndpointHealthChange = (TenantId, EndpointId, HealthChange);

/// Reports changes until `done`, and then once each of those that are left.
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

/// Returns `Break` if the change must be reported again.
async fn report_one(
    observer: &dyn HealthObserver,
    change: &EndpointHealthChange,
) -> ControlFlow<()> {
    let Err(error) = call(observer, change).await else {
        return ControlFlow::Continue(());
    };
    let (tenant, endpoint, change) = change;
    tracing::warn!(%tenant, %endpoint, change = change.name(), %error, "cannot record the health of the endpoint");
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
