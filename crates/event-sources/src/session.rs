//! A session of reading, and the conditions that end it.

use tokio_util::sync::CancellationToken;

use super::origin::Origin;

/// A period in which this process reads one incarnation of the stream. Cheap to clone.
#[derive(Clone)]
pub(super) struct Session {
    /// The origin of the entries. A stream that is replaced ends the session.
    origin: Origin,
    /// Cancelled when the reader's lease is lost or may have expired.
    lost: CancellationToken,
    /// Cancelled when the process stops.
    stop: CancellationToken,
    /// Cancelled when the reader has ended, for any reason.
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

    /// Ends the session: held entries are not retried.
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

    /// Waits for a future; returns `None` if the session ends first.
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
