//! A clock and its executor: the time stands still while a task can continue, and otherwise jumps to
//! the next deadline.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use webhook_producer::platform::Clock;

/// The initial wall clock time, in Unix seconds.
pub const STARTED_AT: u64 = 1_614_265_330;

#[derive(Default)]
pub struct Timeline {
    now: Cell<Duration>,
    /// The deadlines and their wakers. A task that no longer waits is woken needlessly.
    sleepers: RefCell<Vec<(Duration, Waker)>>,
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Timeline {
    /// Runs `future` to its end.
    ///
    /// # Panics
    ///
    /// Panics if it waits for something else than a deadline.
    #[track_caller]
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let flag = Arc::new(Flag::default());
        let waker = Waker::from(Arc::clone(&flag));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            if !flag.0.swap(false, Ordering::Relaxed) {
                self.jump();
            }
        }
    }

    #[track_caller]
    fn jump(&self) {
        let mut sleepers = self.sleepers.borrow_mut();
        let next = sleepers.iter().map(|(moment, _)| *moment).min();
        let next = next.expect("a task waits for something else than a deadline");
        self.now.set(self.now.get().max(next));
        for (_, waker) in sleepers.extract_if(.., |(moment, _)| *moment <= next) {
            waker.wake();
        }
    }
}

impl Clock for Timeline {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn unix_seconds(&self) -> u64 {
        STARTED_AT + self.now().as_secs()
    }

    async fn sleep_until(&self, moment: Duration) {
        poll_fn(|context| {
            if self.now() >= moment {
                return Poll::Ready(());
            }
            let sleeper = (moment, context.waker().clone());
            self.sleepers.borrow_mut().push(sleeper);
            Poll::Pending
        })
        .await;
    }
}
