//! Periodic tasks: refreshing the registry and deleting old deliveries.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;
use webhook_store::Queue;

use crate::config::RetentionConfig;
use crate::registry::Registry;

/// The interval at which changes that other processes made are read. Planning for a tenant reads the
/// changes of that tenant earlier.
const REFRESH: Duration = Duration::from_secs(1);

/// The interval at which deliveries past their retention are deleted.
const FORGET: Duration = Duration::from_secs(30);

/// Refreshes the registry periodically until `stop`.
pub async fn refresh(registry: Arc<Registry>, stop: CancellationToken) {
    let mut ticks = ticks(REFRESH);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = registry.refresh().await {
            tracing::warn!(%error, "tenants and endpoints not refreshed");
        }
    }
}

/// Deletes deliveries past their retention periodically until `stop`.
pub async fn forget(
    store: Arc<dyn Queue>,
    retention: RetentionConfig,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut ticks = ticks(FORGET);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        // In steps, so that other calls to the store run in between.
        while !stop.is_cancelled() {
            let now = clock.now();
            let (succeeded, dead) = (now.before(retention.succeeded), now.before(retention.dead));
            match store.prune(succeeded, dead).await {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "old deliveries not deleted");
                    break;
                }
            }
        }
    }
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
