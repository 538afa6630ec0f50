//! Runs filters, transforms and compilations, which may take long, beside deliveries.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// The increment of the nice value of threads that run such work. With it, a thread that delivers gets a
/// processor at once, even if all of them are busy with programs.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// The runtime whose blocking threads have a low priority. They are not those of the main runtime, which also
/// look up addresses, because a process may not raise a priority again.
static LOW: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let mut builder = Builder::new_current_thread();
    builder
        .thread_name("program")
        .on_thread_start(lower_priority);
    let runtime = builder.build();
    let report =
        |error: &std::io::Error| tracing::warn!(%error, "programs run with the normal priority");
    runtime.inspect_err(report).ok()
});

/// Runs `work` on a blocking thread with a low priority.
///
/// # Errors
///
/// Fails if `work` panics, or if the runtime stops before it begins.
pub async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    start(work).await
}

fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match &*LOW {
        Some(runtime) => runtime.spawn_blocking(work),
        None => spawn_blocking(work),
    }
}

/// Lowers the priority of this thread.
#[cfg(target_os = "linux")]
fn lower_priority() {
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "the priority of a thread cannot be lowered");
    }
}

/// Elsewhere, the nice value belongs to the whole process.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn priority() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[tokio::test]
    async fn programs_run_with_a_lower_priority_than_deliveries() {
        let normal = priority();
        let low = (normal + NICE).min(19);
        for _ in 0..3 {
            assert_eq!(run(priority).await.unwrap(), low);
        }
        assert_eq!(priority(), normal);
        assert_eq!(spawn_blocking(priority).await.unwrap(), normal);
    }
}
