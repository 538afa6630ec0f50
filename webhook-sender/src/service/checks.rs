//! The time limit of readiness checks.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::timeout;

/// The time that the store and each source have to respond before the sender counts as not ready. It
/// bounds the duration of `/readyz`.
pub(super) const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs a check for at most [`CHECK_TIMEOUT`], and returns its failure as text.
pub(super) async fn with_timeout<E: Display>(
    name: &str,
    check: impl Future<Output = Result<(), E>>,
) -> Result<(), String> {
    match timeout(CHECK_TIMEOUT, check).await {
        Ok(checked) => checked.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{name} has not responded within {CHECK_TIMEOUT:?}")),
    }
}
