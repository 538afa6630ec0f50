//! What has to be done from time to time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;
use webhook_store::Queue;

use crate::config::RetentionConfig;
use crate::registry::Registry;

/// How soon a change that another process made to an endpoint is known here at the latest, where
/// nothing is planned for its tenant meanwhile.
const REFRESH: Duration = Duration::from_secs(1);

/// How often what has ended long ago is forgotten.
const FORGET: Duration = Duration::from_secs(30);

/// Keeps the registry up to date until `stop`.
pub async fn refresh(registry: Arc<Registry>, stop: CancellationToken) {
    let mut ticks = ticks(REFRESH);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = registry.refresh().await {
            tracing::warn!(%error, "tenants and endpoints not looked up");
        }
    }
}

/// Forgets what is kept no longer, until `stop`.
pub async fn forget(
    store: Arc<dyn Queue>,
    retention: RetentionConfig,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut ticks = ticks(FORGET);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        // In steps, between which others have their turn.
        while !stop.is_cancelled() {
            let now = clock.now();
            let (succeeded, dead) = (now.before(retention.succeeded), now.before(retention.dead));
            match store.forget(succeeded, dead).await {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "old deliveries not forgotten");
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
