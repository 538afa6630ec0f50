//! A limit on the size of a server's reply, enforced while it arrives: the clients of Redis and
//! PostgreSQL build a reply or a row in memory as a whole, and read ahead of their caller.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::limit::{ResultLimit, TooLarge};

/// The limit on the reply to the current command.
#[derive(Clone)]
pub(super) struct Meter(Arc<Limit>);

struct Limit {
    max: AtomicUsize,
    left: AtomicUsize,
    is_exceeded: AtomicBool,
}

impl Meter {
    pub(super) fn new(limit: &ResultLimit) -> Self {
        Self(Arc::new(Limit {
            max: AtomicUsize::new(limit.max()),
            left: AtomicUsize::new(limit.max()),
            is_exceeded: false.into(),
        }))
    }

    /// Starts a command. The commands of a guest run one after the other.
    pub(super) fn begin(&self, limit: &ResultLimit) {
        self.0.max.store(limit.max(), Ordering::Relaxed);
        self.0.left.store(limit.max(), Ordering::Relaxed);
    }

    /// Returns the error, if the connection was closed because of a reply over the limit.
    pub(super) fn exceeded(&self) -> Option<TooLarge> {
        let max = self.0.max.load(Ordering::Relaxed);
        let exceeded = self.0.is_exceeded.load(Ordering::Relaxed);
        exceeded.then_some(TooLarge(max))
    }

    fn take(&self, size: usize) -> Result<(), TooLarge> {
        let left = self.0.left.load(Ordering::Relaxed).checked_sub(size);
        let Some(left) = left else {
            self.0.is_exceeded.store(true, Ordering::Relaxed);
            return Err(TooLarge(self.0.max.load(Ordering::Relaxed)));
        };
        self.0.left.store(left, Ordering::Relaxed);
        Ok(())
    }
}

/// A connection with metered replies. `F` returns the size in memory of consecutive bytes.
pub(super) struct Metered<S, F> {
    stream: S,
    meter: Meter,
    size: F,
}

impl<S, F: FnMut(&[u8]) -> usize> Metered<S, F> {
    pub(super) fn new(stream: S, meter: Meter, size: F) -> Self {
        Self {
            stream,
            meter,
            size,
        }
    }
}

impl<S: AsyncRead + Unpin, F: FnMut(&[u8]) -> usize + Unpin> AsyncRead for Metered<S, F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let size = (self.size)(&buffer.filled()[before..]);
        Poll::Ready(self.meter.take(size).map_err(io::Error::other))
    }
}

impl<S: AsyncWrite + Unpin, F: Unpin> AsyncWrite for Metered<S, F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_over_its_limit_fails_at_the_first_byte_beyond() {
        let meter = Meter::new(&ResultLimit::new(100));
        assert_eq!(meter.take(60), Ok(()));
        meter.begin(&ResultLimit::new(200));
        assert_eq!(meter.take(200), Ok(()));
        assert_eq!(meter.exceeded(), None);
        assert_eq!(meter.take(1), Err(TooLarge(200)));
        assert_eq!(meter.exceeded(), Some(TooLarge(200)));
    }
}
