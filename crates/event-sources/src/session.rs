//! How long this process may go on reading.

use tokio_util::sync::CancellationToken;

use super::origin::Origin;

/// A time in which this process reads one incarnation of the stream. Cheap to clone.
#[derive(Clone)]
pub(super) struct Session {
    /// Where its entries come from. A stream that is replaced ends the session.
    origin: Origin,
    /// Cancelled when the reader's lease is lost, or might be.
    lost: CancellationToken,
    /// Cancelled when the process stops.
    stop: CancellationToken,
    /// Cancelled when the reader has left off, for whatever reason.
    ended: CancellationToken,
}

impl Session {
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

    /// Ends the session: nothing is tried again.
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

    /// Waits for an event; returns `None` if the session ends before.
    pub(super) async fn unless_over<T>(&self, event: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.lost.cancelled() => None,
            () = self.stop.cancelled() => None,
            () = self.ended.cancelled() => None,
            outcome = event => Some(outcome),
        }
    }
}
