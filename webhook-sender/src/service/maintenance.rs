//! Periodic tasks: refreshing the registry and deleting old deliveries.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;
use webhook_store::{Queue, Store};

use crate::config::RetentionConfig;
use crate::keys::Keyring;
use crate::registry::Registry;

/// The interval at which changes that other processes made are read. Planning for a tenant reads the
/// changes of that tenant earlier.
const REFRESH: Duration = Duration::from_secs(1);

/// The interval at which deliveries past their retention are deleted.
const FORGET: Duration = Duration::from_secs(30);

/// The time for which the last use of a key is kept.
const UNUSED: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Refreshes the registry periodically until `stop`.
pub async fn refresh(registry: Arc<Registry>, stop: CancellationToken) {
    let mut ticks = ticks(REFRESH);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = registry.refresh().await {
            tracing::warn!(%error, "tenants and endpoints not refreshed");
        }
    }
}

/// Reads the keys that other processes have changed, and records the uses of keys, until `stop`.
pub async fn refresh_keys(keyring: Arc<Keyring>, stop: CancellationToken) {
    let mut ticks = ticks(REFRESH);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = keyring.refresh().await {
            tracing::warn!(%error, "access keys not refreshed");
        }
    }
}

/// Deletes ended sessions and old audit entries periodically until `stop`.
pub async fn forget_access(
    store: Arc<dyn Store>,
    audit: Duration,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut ticks = ticks(FORGET);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        while !stop.is_cancelled() {
            let now = clock.now();
            let sessions = store.prune_sessions(now, now.before(UNUSED)).await;
            let entries = store.prune_audit(now.before(audit)).await;
            match (sessions, entries) {
                (Ok(false), Ok(false)) => break,
                (Ok(_), Ok(_)) => tokio::task::yield_now().await,
                (Err(error), _) | (_, Err(error)) => {
                    tracing::warn!(%error, "ended sessions and audit entries not deleted");
                    break;
                }
            }
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
