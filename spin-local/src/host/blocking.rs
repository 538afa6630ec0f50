//! Blocking work of async functions.

/// Runs `operation`, which waits for a disk, on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    operation: impl FnOnce() -> T + Send + 'static,
) -> wasmtime::Result<T> {
    Ok(tokio::task::spawn_blocking(operation).await?)
}
