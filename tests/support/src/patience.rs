//! The bound on every wait of a test.

use std::time::Duration;

/// Far longer than anything a test waits for takes, so that only what would hang meets it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for `event`.
///
/// # Panics
/// When it does not come within two minutes, with what `seen` tells about the meantime.
pub async fn within_patience<T>(
    event: impl Future<Output = T>,
    seen: impl FnOnce() -> String,
) -> T {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("waited in vain for {}", seen()),
    }
}
