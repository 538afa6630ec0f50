//! Cuts the bodies of messages as they come from the server.
//!
//! The client library keeps each message in full, and as many of them as are prefetched. Therefore a body
//! beyond the limit is cut before the library reads it, in the frames of AMQP 0-9-1 (section 4.2): the
//! header of the content announces a shorter body, which begins with the size that it had.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The type of a frame, its channel, and the size of its payload.
const FRAME_HEAD: usize = 7;

const FRAME_END: u8 = 0xCE;

const METHOD: u8 = 1;
const CONTENT_HEADER: u8 = 2;
const CONTENT_BODY: u8 = 3;
const HEARTBEAT: u8 = 8;

/// The start of the payload of a content header: class, weight, and the size of the body.
const CONTENT_HEAD: usize = 12;
const BODY_SIZE: usize = FRAME_HEAD + 4;

/// The size in front of a body that was cut.
const SIZE_BYTES: usize = size_of::<u64>();

/// The most bytes that are read from the server at a time.
const CHUNK: usize = 64 << 10;

/// Returns a body as [`LimitedBodies`] passed it on, and the number of bytes that were cut.
pub(super) fn restore(body: Bytes, max: usize) -> (Bytes, usize) {
    if body.len() <= max {
        return (body, 0);
    }
    let (size, kept) = (&body[..SIZE_BYTES], body.slice(SIZE_BYTES..));
    let size = size.try_into().map_or(0, u64::from_be_bytes);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let cut = size.saturating_sub(kept.len());
    (kept, cut)
}

/// Frames under way, whose bodies of more than `max` bytes are cut.
struct Frames {
    max: u64,
    /// The bytes that may still pass of a body that is being cut, by channel.
    left: HashMap<[u8; 2], u64>,
    /// The start of a frame, until it is complete.
    head: Vec<u8>,
    rest: Rest,
    /// True if the server does not speak in frames. Everything passes then.
    foreign: bool,
}

/// The rest of a frame: bytes that pass, bytes that are added, and bytes that are dropped.
#[derive(Default)]
struct Rest {
    pass: usize,
    add: Vec<u8>,
    drop: usize,
}

impl Frames {
    fn new(max: usize) -> Self {
        Self {
            max: max as u64,
            left: HashMap::new(),
            head: Vec::with_capacity(FRAME_HEAD + CONTENT_HEAD),
            rest: Rest::default(),
            foreign: false,
        }
    }

    /// Passes bytes of the server on.
    fn pass(&mut self, mut bytes: &[u8], passed: &mut Vec<u8>) {
        while !bytes.is_empty() {
            if self.foreign {
                passed.extend_from_slice(bytes);
                return;
            }
            self.rest.take(&mut bytes, passed);
            let missing = self.head_size() - self.head.len();
            let (head, others) = bytes.split_at(missing.min(bytes.len()));
            self.head.extend_from_slice(head);
            bytes = others;
            if !self.head.is_empty() && self.head.len() == self.head_size() {
                self.begin(passed);
                self.head.clear();
                // A frame of nothing but its head ends with what is added.
                self.rest.take(&mut &[][..], passed);
            }
        }
    }

    /// Returns the number of bytes by which a frame is decided.
    fn head_size(&self) -> usize {
        match self.head.first() {
            Some(&CONTENT_HEADER) if self.head.len() >= FRAME_HEAD => {
                FRAME_HEAD + CONTENT_HEAD.min(self.payload())
            }
            _ => FRAME_HEAD,
        }
    }

    /// Returns the size of the payload of the frame, whose head is complete.
    fn payload(&self) -> usize {
        let size: [u8; 4] = self.head[3..FRAME_HEAD].try_into().unwrap_or_default();
        u32::from_be_bytes(size) as usize
    }

    /// Passes the head of a frame on, and decides about the rest.
    fn begin(&mut self, passed: &mut Vec<u8>) {
        let (payload, channel) = (self.payload(), [self.head[1], self.head[2]]);
        let read = self.head.len() - FRAME_HEAD;
        let mut rest = Rest {
            pass: payload - read + 1,
            ..Rest::default()
        };
        match self.head[0] {
            CONTENT_HEADER => {
                self.left.remove(&channel);
                if let Some(size) = self.excessive() {
                    let shown = (self.max + SIZE_BYTES as u64).to_be_bytes();
                    self.head[BODY_SIZE..].copy_from_slice(&shown);
                    self.left.insert(channel, self.max);
                    rest.add = body_frame(channel, &size.to_be_bytes());
                }
            }
            CONTENT_BODY => {
                if let Some(left) = self.left.get_mut(&channel) {
                    let kept = usize::try_from(*left).unwrap_or(usize::MAX).min(payload);
                    *left -= kept as u64;
                    rest = shortened(&mut self.head, payload, kept);
                }
            }
            METHOD | HEARTBEAT => {}
            _ => {
                self.foreign = true;
                rest = Rest::default();
            }
        }
        passed.extend_from_slice(&self.head);
        self.rest = rest;
    }

    /// Returns the size of the announced body if it exceeds the limit.
    fn excessive(&self) -> Option<u64> {
        let size: [u8; SIZE_BYTES] = self.head.get(BODY_SIZE..)?.try_into().ok()?;
        let size = u64::from_be_bytes(size);
        (size > self.max).then_some(size)
    }
}

impl Rest {
    /// Applies itself to the next bytes, and removes them.
    fn take(&mut self, bytes: &mut &[u8], passed: &mut Vec<u8>) {
        let (pass, others) = bytes.split_at(self.pass.min(bytes.len()));
        passed.extend_from_slice(pass);
        self.pass -= pass.len();
        if self.pass == 0 {
            passed.append(&mut self.add);
        }
        let (drop, others) = if self.pass == 0 {
            others.split_at(self.drop.min(others.len()))
        } else {
            (&[][..], others)
        };
        self.drop -= drop.len();
        *bytes = others;
    }
}

/// Returns a frame with a part of a body.
fn body_frame(channel: [u8; 2], part: &[u8]) -> Vec<u8> {
    let mut frame = vec![CONTENT_BODY];
    frame.extend(channel);
    frame.extend((part.len() as u32).to_be_bytes());
    frame.extend(part);
    frame.push(FRAME_END);
    frame
}

/// Shortens the part of a body in a frame to its first `kept` bytes. Drops the frame if there are none.
fn shortened(head: &mut Vec<u8>, payload: usize, kept: usize) -> Rest {
    if kept == 0 {
        head.clear();
        return Rest {
            drop: payload + 1,
            ..Rest::default()
        };
    }
    head[3..FRAME_HEAD].copy_from_slice(&(kept as u32).to_be_bytes());
    Rest {
        pass: kept,
        add: vec![FRAME_END],
        drop: payload - kept + 1,
    }
}

/// A connection to a server, whose messages have bodies of at most a number of bytes. A longer body is
/// preceded by the size that it had: [`restore`].
pub(super) struct LimitedBodies<S> {
    stream: S,
    frames: Frames,
    received: Box<[u8]>,
    /// Bytes that were passed on, of which the first `read` were read.
    passed: Vec<u8>,
    read: usize,
}

impl<S> LimitedBodies<S> {
    pub(super) fn new(stream: S, max: usize) -> Self {
        Self {
            stream,
            frames: Frames::new(max),
            received: vec![0; CHUNK].into(),
            passed: Vec::with_capacity(CHUNK),
            read: 0,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LimitedBodies<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.read == this.passed.len() {
            this.passed.clear();
            this.read = 0;
            let mut received = ReadBuf::new(&mut this.received);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut received))?;
            if received.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.frames.pass(received.filled(), &mut this.passed);
        }
        let count = buffer.remaining().min(this.passed.len() - this.read);
        buffer.put_slice(&this.passed[this.read..this.read + count]);
        this.read += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LimitedBodies<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
