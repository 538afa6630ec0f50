//! What the rest of the sender is told about endpoints.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use webhook_model::{EndpointId, Millis, TenantId};
use webhook_store::StoreError;

use super::failing::Notice;

/// How long to wait before telling again what could not be told.
const PAUSE: Duration = Duration::from_secs(1);

/// Told in the order in which it happened, each once, and again while the store is unavailable.
/// What is told may be known already, or be out of date: it has to be checked against the store.
#[async_trait]
pub trait Notices: Send + Sync + 'static {
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

/// A notice and whom it is about.
pub(super) type About = (TenantId, EndpointId, Notice);

/// Tells what comes in until `done`, and then what is left, though no more than once.
pub(super) async fn tell(
    notices: Arc<dyn Notices>,
    mut queue: UnboundedReceiver<About>,
    done: CancellationToken,
) {
    while let Some(Some(about)) = done.run_until_cancelled(queue.recv()).await {
        while tell_one(&*notices, &about).await.is_break() {
            if done.run_until_cancelled(sleep(PAUSE)).await.is_none() {
                break;
            }
        }
    }
    while let Ok(about) = queue.try_recv() {
        let _ = tell_one(&*notices, &about).await;
    }
}

/// Breaks if it has to be told again.
async fn tell_one(notices: &dyn Notices, about: &About) -> ControlFlow<()> {
    let Err(error) = call(notices, about).await else {
        return ControlFlow::Continue(());
    };
    let (tenant, endpoint, notice) = about;
    tracing::warn!(%tenant, %endpoint, notice = notice.name(), %error, "endpoint's state not recorded");
    match error {
        StoreError::Unavailable { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    }
}

async fn call(notices: &dyn Notices, (tenant, endpoint, notice): &About) -> Result<(), StoreError> {
    match notice {
        Notice::Failing { since } => notices.endpoint_failing(tenant, endpoint, *since).await,
        Notice::Recovered => notices.endpoint_recovered(tenant, endpoint).await,
        Notice::Disabled { version, reason } => {
            let disabled = notices.endpoint_disabled(tenant, endpoint, *version, reason);
            disabled.await
        }
    }
}
