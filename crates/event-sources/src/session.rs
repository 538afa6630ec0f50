//! A session of reading, and the conditions that end it.

use tokio_util::sync::CancellationToken;

/// A period in which this process reads a source. Cheap to clone.
#[derive(Clone)]
pub(super) struct Session {
    /// Cancelled when other processes may read the entries of this session.
    lost: CancellationToken,
    /// Cancelled when the process stops.
    stop: CancellationToken,
    /// Cancelled when the reader has ended, for any reason.
    ended: CancellationToken,
}

impl Session {
    pub(super) fn new(lost: CancellationToken, stop: CancellationToken) -> Self {
        let ended = CancellationToken::new();
        Self { lost, stop, ended }
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
}
