//! Runs filters, transforms and compilations, which may take long, beside deliveries.

use tokio::task::JoinError;

/// The increment of the nice value of threads that run such work. With it, a thread that delivers gets a
/// processor at once, even if all of them are busy with programs.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Runs `work` on a blocking thread with a low priority.
///
/// # Errors
///
/// Fails if `work` panics, or if the runtime stops before it begins.
pub async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let work = move || {
        lower_priority();
        work()
    };
    tokio::task::spawn_blocking(work).await
}

/// Lowers the priority of this thread, once. Blocking threads are reused.
#[cfg(target_os = "linux")]
fn lower_priority() {
    use std::cell::Cell;

    thread_local! {
        static IS_LOW: Cell<bool> = const { Cell::new(false) };
    }
    if !IS_LOW.replace(true)
        && let Err(error) = rustix::process::nice(NICE)
    {
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
    }
}
