//! The minimum pace of a client in a transfer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;

/// The time that a client has kept the server waiting in one transfer, and its limit. Time that the
/// server spends itself does not count.
pub struct Pace {
    client_timeout: Duration,
    bytes_per_second: u32,
    bytes: u64,
    spent: Duration,
    /// The start of the current wait, and the timer that ends it.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Pace {
    pub fn new(limits: &Limits) -> Self {
        Self {
            client_timeout: limits.client_timeout,
            bytes_per_second: limits.bytes_per_second.max(1),
            bytes: 0,
            spent: Duration::ZERO,
            waiting: None,
        }
    }

    /// Records that the client has moved this many bytes.
    pub fn moved(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.spent += since.elapsed();
        }
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Becomes ready when the client has used up its time.
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.allowed().saturating_sub(self.spent);
        let (_, timer) = self.waiting.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + left)))
        });
        timer.as_mut().poll(cx)
    }

    fn allowed(&self) -> Duration {
        let millis = self.bytes.saturating_mul(1000) / u64::from(self.bytes_per_second);
        self.client_timeout
            .saturating_add(Duration::from_millis(millis))
    }
}
