//! A limit on the size of replies, enforced while they arrive: the client builds a reply in memory
//! as a whole before it returns it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::host::limit::{ResultLimit, TooLarge};

/// The memory overhead of each part of a parsed reply, in bytes.
const PART_OVERHEAD: usize = 64;

/// The limit on the reply to the current command.
#[derive(Clone)]
pub(super) struct Meter(Arc<Limit>);

struct Limit {
    max: AtomicUsize,
    left: AtomicUsize,
    is_exceeded: std::sync::atomic::AtomicBool,
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

    fn take(&self, cost: usize) -> Result<(), TooLarge> {
        let left = self.0.left.load(Ordering::Relaxed).checked_sub(cost);
        let Some(left) = left else {
            self.0.is_exceeded.store(true, Ordering::Relaxed);
            return Err(TooLarge(self.0.max.load(Ordering::Relaxed)));
        };
        self.0.left.store(left, Ordering::Relaxed);
        Ok(())
    }
}

/// A connection with metered replies.
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
        let cost = bytes.len() + PART_OVERHEAD * self.reply.parts(bytes);
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

/// The state of a scan over a reply: enough of the Redis protocol (RESP) to count its parts and to
/// skip the bytes of its strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    /// The beginning of a part.
    Part,
    /// A line, with the length of a string if it is one.
    Line { length: Option<usize> },
    /// The rest of a string with its line end.
    Bytes { left: usize },
}

impl Reply {
    /// Returns the number of parts that begin within `bytes`.
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

    /// Returns the state after `byte` of a line.
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
            // A null string has the length -1 and no bytes.
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
        assert_eq!(whole, by_byte, "the count must not depend on the chunks");
        assert_eq!(state, Reply::Part, "the scan must end with the reply");
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
