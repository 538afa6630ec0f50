//! The long-lived tasks of a sender. A sender without one of them would look alive and do a part of its work
//! only, such as deliver nothing; therefore it stops, so that it is started again.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Starts tasks, and notices when one of them ends too early. Cheap to clone.
#[derive(Clone, Default)]
pub struct Supervisor {
    /// Cancelled when a task has panicked, or has ended before it was stopped.
    failed: CancellationToken,
}

impl Supervisor {
    /// Starts a task that runs until `stop`.
    pub fn spawn(
        &self,
        name: &'static str,
        stop: &CancellationToken,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        let (failed, stop) = (self.failed.clone(), stop.clone());
        tokio::spawn(async move {
            let panicked = AssertUnwindSafe(work).catch_unwind().await.is_err();
            if panicked || !stop.is_cancelled() {
                failed.cancel();
                tracing::error!(task = name, "a task has ended unexpectedly");
            }
        })
    }

    /// Waits until a task has failed.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Returns true if a task has failed.
    pub fn has_failed(&self) -> bool {
        self.failed.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_or_ends_too_early_has_failed() {
        for panics in [true, false] {
            let (supervisor, stop) = (Supervisor::default(), CancellationToken::new());
            let other = supervisor.spawn("other", &stop, pending());
            assert!(!supervisor.has_failed());
            let work = ready(()).map(move |()| assert!(!panics, "a fault of the task"));
            supervisor.spawn("faulty", &stop, work).await.unwrap();
            supervisor.failed().await;
            assert!(supervisor.has_failed());
            other.abort();
        }
    }

    #[tokio::test]
    async fn a_task_that_ends_when_it_is_stopped_has_not_failed() {
        let (supervisor, stop) = (Supervisor::default(), CancellationToken::new());
        let task = supervisor.spawn("one", &stop, stop.clone().cancelled_owned());
        stop.cancel();
        task.await.unwrap();
        assert!(!supervisor.has_failed());
    }
}
