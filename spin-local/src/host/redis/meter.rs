//! A bound on a server's reply, enforced while it comes in: what the client makes of a reply is
//! there as a whole before anybody sees it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::host::limit::{ResultLimit, TooLarge};

/// The memory of each part of a reply beside its bytes, once it is parsed.
const PART: usize = 64;

/// The bound on the reply to the command that runs.
#[derive(Clone)]
pub(super) struct Meter(Arc<Bound>);

struct Bound {
    most: AtomicUsize,
    left: AtomicUsize,
    is_exceeded: std::sync::atomic::AtomicBool,
}

impl Meter {
    pub(super) fn new(limit: &ResultLimit) -> Self {
        Self(Arc::new(Bound {
            most: AtomicUsize::new(limit.most()),
            left: AtomicUsize::new(limit.most()),
            is_exceeded: false.into(),
        }))
    }

    /// Begins a command. A guest's commands follow one another.
    pub(super) fn begin(&self, limit: &ResultLimit) {
        self.0.most.store(limit.most(), Ordering::Relaxed);
        self.0.left.store(limit.most(), Ordering::Relaxed);
    }

    /// The reason that the connection was given up for, where it was.
    pub(super) fn exceeded(&self) -> Option<TooLarge> {
        let most = self.0.most.load(Ordering::Relaxed);
        let exceeded = self.0.is_exceeded.load(Ordering::Relaxed);
        exceeded.then_some(TooLarge(most))
    }

    fn take(&self, cost: usize) -> Result<(), TooLarge> {
        let left = self.0.left.load(Ordering::Relaxed).checked_sub(cost);
        let Some(left) = left else {
            self.0.is_exceeded.store(true, Ordering::Relaxed);
            return Err(TooLarge(self.0.most.load(Ordering::Relaxed)));
        };
        self.0.left.store(left, Ordering::Relaxed);
        Ok(())
    }
}

/// A connection whose replies are metered.
pub(super) struct Metered<S> {
    stream: S,
    meter: Meter,
    reply: Reply,
}

impl<S> Metered<S> {
    pub(super) fn new(stream: S, meter: Meter) -> Self {
        Self {
            stream,
            meter,
            reply: Reply::Part,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let bytes = &buffer.filled()[before..];
        let cost = bytes.len() + PART * self.reply.parts(bytes);
        Poll::Ready(self.meter.take(cost).map_err(io::Error::other))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
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

/// The state of a scan over a reply: enough of Redis's protocol to count its parts and to step over
/// the bytes of its strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    /// A part begins.
    Part,
    /// A line, and the number it begins with where it is the length of a string.
    Line { length: Option<usize> },
    /// The rest of a string and the line end after it.
    Bytes { left: usize },
}

impl Reply {
    /// The parts that begin within `bytes`.
    fn parts(&mut self, mut bytes: &[u8]) -> usize {
        let mut parts = 0;
        while let [first, rest @ ..] = bytes {
            match self {
                Self::Bytes { left } if *left > bytes.len() => {
                    *left -= bytes.len();
                    return parts;
                }
                Self::Bytes { left } => {
                    bytes = &bytes[*left..];
                    *self = Self::Part;
                }
                Self::Part => {
                    parts += 1;
                    let is_string = matches!(first, b'$' | b'=' | b'!');
                    let length = is_string.then_some(0);
                    *self = Self::Line { length };
                    bytes = rest;
                }
                Self::Line { length } => {
                    *self = Self::after(*first, *length);
                    bytes = rest;
                }
            }
        }
        parts
    }

    /// The state after `byte` of a line.
    fn after(byte: u8, length: Option<usize>) -> Self {
        match (byte, length) {
            (b'\n', Some(length)) => Self::Bytes {
                left: length.saturating_add(2),
            },
            (b'\n', None) => Self::Part,
            (b'0'..=b'9', Some(length)) => Self::Line {
                length: Some(
                    length
                        .saturating_mul(10)
                        .saturating_add((byte - b'0').into()),
                ),
            },
            // A string that is not there has the length -1 and no bytes.
            (b'-', Some(_)) => Self::Line { length: None },
            (_, length) => Self::Line { length },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(reply: &[u8]) -> usize {
        let whole = Reply::Part.parts(reply);
        let mut state = Reply::Part;
        let by_byte: usize = reply.iter().map(|byte| state.parts(&[*byte])).sum();
        assert_eq!(whole, by_byte, "however it comes in");
        assert_eq!(state, Reply::Part, "it ends where the reply does");
        whole
    }

    #[test]
    fn the_parts_of_a_reply_are_counted() {
        assert_eq!(parts(b"+OK\r\n"), 1);
        assert_eq!(parts(b"$-1\r\n"), 1);
        assert_eq!(parts(b"$0\r\n\r\n"), 1);
        assert_eq!(parts(b"$4\r\n\n\n:1\r\n"), 1);
        assert_eq!(parts(b"*3\r\n:1\r\n$2\r\nab\r\n*1\r\n+x\r\n"), 5);
    }

    #[test]
    fn a_reply_over_its_bound_is_refused_where_it_passes_it() {
        let meter = Meter::new(&ResultLimit::new(100));
        assert_eq!(meter.take(60), Ok(()));
        meter.begin(&ResultLimit::new(200));
        assert_eq!(meter.take(200), Ok(()));
        assert_eq!(meter.exceeded(), None);
        assert_eq!(meter.take(1), Err(TooLarge(200)));
        assert_eq!(meter.exceeded(), Some(TooLarge(200)));
    }
}
