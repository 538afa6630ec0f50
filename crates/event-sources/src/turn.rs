//! How long this process may go on reading.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::origin::Origin;

/// A process's turn at one incarnation of the stream. Cheap to clone.
#[derive(Clone)]
pub(super) struct Turn {
    /// Where its entries come from. A stream that is replaced ends the turn.
    origin: Origin,
    /// The place is lost, or might be.
    lost: CancellationToken,
    /// The process stops.
    stop: CancellationToken,
    /// The reader has left off, for whatever reason.
    ended: CancellationToken,
}

impl Turn {
    pub(super) fn new(origin: Origin, lost: CancellationToken, stop: CancellationToken) -> Self {
        let ended = CancellationToken::new();
        Self {
            origin,
            lost,
            stop,
            ended,
        }
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Ends it: what is under way is brought to its end.
    pub(super) fn end(&self) {
        self.ended.cancel();
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    pub(super) fn is_over(&self) -> bool {
        let tokens = [&self.lost, &self.stop, &self.ended];
        tokens.iter().any(|token| token.is_cancelled())
    }

    /// Waits for something, unless the turn is over before.
    pub(super) async fn unless_over<T>(&self, event: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.lost.cancelled() => None,
            () = self.stop.cancelled() => None,
            () = self.ended.cancelled() => None,
            outcome = event => Some(outcome),
        }
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        self.unless_over(tokio::time::sleep(duration)).await;
    }
}
