//! The time limit of every wait in a test.

use std::time::Duration;

/// The time limit, far longer than any wait should take: only a hang reaches it.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Waits for `event`.
///
/// # Panics
///
/// After five minutes, with the description that `waiting_for` returns.
pub async fn with_timeout<T>(
    event: impl Future<Output = T>,
    waiting_for: impl FnOnce() -> String,
) -> T {
    match tokio::time::timeout(TIMEOUT, event).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("timed out waiting for {}", waiting_for()),
    }
}
