//! Periodic tasks: refreshing the registry, writing counts, and deleting old deliveries.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;
use webhook_store::{Queue, Store, StoreError};

use crate::config::RetentionConfig;
use crate::keys::Keyring;
use crate::registry::Registry;

/// The interval at which changes that other processes made are read. Planning for a tenant reads the
/// changes of that tenant earlier.
const REFRESH: Duration = Duration::from_secs(1);

/// The interval at which the counts of outcomes are written.
const WRITE_COUNTS: Duration = Duration::from_secs(1);

/// The interval at which old deliveries, sessions and audit entries are deleted.
const PRUNE: Duration = Duration::from_secs(30);

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

/// Writes the counts of outcomes periodically until `stop`. The release of the lease writes the last ones.
pub async fn write_counts(store: Arc<dyn Queue>, stop: CancellationToken) {
    let mut ticks = ticks(WRITE_COUNTS);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = store.write_counts().await {
            tracing::warn!(%error, "counts of outcomes not written");
        }
    }
}

/// Deletes ended sessions and old audit entries periodically until `stop`.
pub async fn prune_access(
    store: Arc<dyn Store>,
    audit: Duration,
    clock: Clock,
    stop: CancellationToken,
) {
    let prune = || async {
        let now = clock.now();
        let sessions = store.prune_sessions(now, now.before(UNUSED)).await;
        let entries = store.prune_audit(now.before(audit)).await;
        Ok(sessions? | entries?)
    };
    prune_periodically("ended sessions and audit entries", prune, &stop).await;
}

/// Deletes deliveries past their retention periodically until `stop`.
pub async fn prune_deliveries(
    store: Arc<dyn Queue>,
    retention: RetentionConfig,
    clock: Clock,
    stop: CancellationToken,
) {
    let prune = || async {
        let now = clock.now();
        let (succeeded, dead) = (now.before(retention.succeeded), now.before(retention.dead));
        store.prune(succeeded, dead).await
    };
    prune_periodically("old deliveries", prune, &stop).await;
}

/// Calls `prune` periodically until `stop`, each time until it returns that nothing is left to delete.
/// Each call is a step, so that other calls to the store run in between. `content` names what is deleted
/// in the log.
async fn prune_periodically<F: Future<Output = Result<bool, StoreError>>>(
    content: &str,
    prune: impl Fn() -> F,
    stop: &CancellationToken,
) {
    let mut ticks = ticks(PRUNE);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        while !stop.is_cancelled() {
            match prune().await {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "{content} not deleted");
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
