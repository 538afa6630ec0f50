//! A clock and its executor: time stands still while anybody can go on, and jumps to the next
//! moment somebody waits for when nobody can.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use webhook_producer::outside::Clock;

/// What the wall clock shows at the start, in Unix seconds.
pub const STARTED_AT: u64 = 1_614_265_330;

#[derive(Default)]
pub struct Timeline {
    now: Cell<Duration>,
    /// Who waits for which moment. Whoever has stopped waiting is woken for nothing.
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
    /// Panics where it waits for something that no passing of time will bring.
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
        let next = next.expect("everybody waits, and for nothing that time will bring");
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
