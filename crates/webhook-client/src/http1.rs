//! An exchange over HTTP/1.1 (RFC 9112).
//!
//! Of the protocol only what a client needs that sends whole bodies and never two requests at a
//! time. The status decides: once it is there, nothing that follows discards it. Any oddity behind
//! it ends the connection, so that it cannot be taken for the beginning of the next response.

mod body;
mod head;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout_at;
use webhook_model::Phase;

use self::head::{Framing, Head};
use super::answer::{Answer, MAX_HEAD_BYTES, Reading};
use super::error::plain;
use super::stream::Stream;
use super::{CallError, Post, origin};

/// Up to this length a body is written together with the head.
const SMALL_BODY: usize = 16 * 1024;

/// How much is read at a time. Answers are small.
const READ: usize = 2048;

/// The most bytes that the buffers of an idle connection hold on to.
const KEPT_BUFFER: usize = 4096;

/// A connection, and the buffers of its exchanges.
pub(super) struct Connection {
    stream: Stream,
    /// The request's head, and its body where that is small.
    first: Vec<u8>,
    /// What was read and not yet taken. Empty between exchanges.
    received: Vec<u8>,
}

/// A response, and whether the connection can be used again.
pub(super) struct Exchanged {
    pub answer: Answer,
    pub reusable: bool,
    /// How long the receiver keeps the connection open, where it says so.
    pub keeps_idle: Option<Duration>,
}

/// Sends the request and reads the response.
pub(super) async fn exchange(
    connection: &mut Connection,
    post: &Post<'_>,
) -> Result<Exchanged, CallError> {
    let mut exchange = Exchange::new(connection, post);
    let head = timeout_at(post.deadline, exchange.send_and_read_head()).await;
    let head = head.unwrap_or_else(|_| Err(CallError::TimedOut(exchange.phase())));
    let head = head.or_else(|error| exchange.take_unfinished_head().ok_or(error))?;
    let mut reading = Reading::default();
    let whole = timeout_at(
        post.deadline,
        exchange.read_body(head.framing, &mut reading),
    )
    .await;
    let is_sound = exchange.is_sent() && exchange.persists;
    connection.forget_large_buffers();
    Ok(Exchanged {
        reusable: head.persists && is_sound && whole == Ok(true),
        keeps_idle: head.keeps_idle,
        answer: Answer {
            status: head.status,
            retry_after: head.retry_after,
            body: reading.kept(),
        },
    })
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            first: vec![],
            received: vec![],
        }
    }

    /// Whether the receiver has neither closed the connection nor sent what nobody asked for.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut room = [0; 1];
        let mut buffer = ReadBuf::new(&mut room);
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream)
            .poll_read(&mut context, &mut buffer)
            .is_pending()
    }

    fn forget_large_buffers(&mut self) {
        for buffer in [&mut self.first, &mut self.received] {
            if buffer.capacity() > KEPT_BUFFER {
                *buffer = vec![];
            }
        }
    }
}

struct Exchange<'a> {
    connection: &'a mut Connection,
    /// The body, where it is not small.
    rest: &'a [u8],
    sent: usize,
    /// The bytes of interim responses.
    interim: usize,
    /// Whether the interim responses leave the connection open.
    persists: bool,
}

impl<'a> Exchange<'a> {
    fn new(connection: &'a mut Connection, post: &Post<'a>) -> Self {
        connection.first.clear();
        connection.received.clear();
        let mut rest: &[u8] = post.body;
        let small = if rest.len() <= SMALL_BODY {
            std::mem::take(&mut rest)
        } else {
            &[]
        };
        write_request(&mut connection.first, post, small);
        Self {
            connection,
            rest,
            sent: 0,
            interim: 0,
            persists: true,
        }
    }

    fn is_sent(&self) -> bool {
        self.sent == self.connection.first.len() + self.rest.len()
    }

    fn phase(&self) -> Phase {
        if self.is_sent() {
            Phase::Respond
        } else {
            Phase::Send
        }
    }

    async fn send_and_read_head(&mut self) -> Result<Head, CallError> {
        let mut unsent = None;
        loop {
            // Behind an interim answer too: whoever gives one waits for the rest of the request.
            if unsent.is_none() && !self.is_sent() {
                let sent = std::future::poll_fn(|context| self.poll_send(context));
                unsent = sent.await.err();
            } else {
                let error = match self.read_some().await {
                    Ok(1..) => None,
                    Ok(0) => Some(io::ErrorKind::UnexpectedEof.into()),
                    Err(error) => Some(error),
                };
                if let Some(error) = error {
                    return Err(self.no_answer(unsent.as_ref(), &error));
                }
            }
            if let Some(head) = self.take_head()? {
                return Ok(head);
            }
            if self.interim + self.connection.received.len() >= MAX_HEAD_BYTES {
                return Err(CallError::Broken("its head is too long".into()));
            }
        }
    }

    /// Writes until all is written or something comes back: whoever answers early reads no more,
    /// and whoever cannot be written to may have said why.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Connection { stream, first, .. } = &mut *self.connection;
            let part = match first.get(self.sent..) {
                Some(part) if !part.is_empty() => part,
                _ => self.rest.get(self.sent - first.len()..).unwrap_or_default(),
            };
            if part.is_empty() {
                return Pin::new(stream).poll_flush(context);
            }
            match Pin::new(stream).poll_write(context, part) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => self.sent += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return self.poll_early_answer(context),
            }
        }
    }

    fn poll_early_answer(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut room = [0; READ];
        let mut buffer = ReadBuf::new(&mut room);
        ready!(Pin::new(&mut self.connection.stream).poll_read(context, &mut buffer))?;
        self.connection.received.extend_from_slice(buffer.filled());
        match buffer.filled().is_empty() {
            true => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            false => Poll::Ready(Ok(())),
        }
    }

    /// Takes the head of the final answer off what was received, once it is there.
    fn take_head(&mut self) -> Result<Option<Head>, CallError> {
        while let Some((head, length)) = head::parse(&self.connection.received)? {
            self.connection.received.drain(..length);
            if !head.is_interim() {
                return Ok(Some(head));
            }
            self.interim += length;
            self.persists &= head.persists;
        }
        Ok(None)
    }

    /// Takes what is known of a final response whose head has not come to its end: it is cut off,
    /// too long, or too slow.
    fn take_unfinished_head(&mut self) -> Option<Head> {
        let head = head::parse_unfinished(&self.connection.received)?;
        self.connection.received.clear();
        Some(head)
    }

    async fn read_some(&mut self) -> io::Result<usize> {
        let Connection {
            stream, received, ..
        } = &mut *self.connection;
        received.reserve(READ);
        stream.read_buf(received).await
    }

    fn no_answer(&self, unsent: Option<&io::Error>, unread: &io::Error) -> CallError {
        match unsent {
            Some(error) if !self.is_sent() => CallError::Send(plain(error)),
            _ => CallError::Respond(plain(unread)),
        }
    }

    /// Reads the body. Returns whether it came to its end and nothing came behind it.
    async fn read_body(&mut self, framing: Framing, reading: &mut Reading) -> bool {
        let Some(mut frame) = body::Frame::new(framing) else {
            reading.take(&self.connection.received);
            return false;
        };
        loop {
            match frame.take(&mut self.connection.received, reading) {
                body::Next::Done => return self.connection.received.is_empty(),
                body::Next::Broken => return false,
                body::Next::More => {}
            }
            if !matches!(self.read_some().await, Ok(1..)) {
                return false;
            }
        }
    }
}

fn write_request(to: &mut Vec<u8>, post: &Post<'_>, body: &[u8]) {
    let lengths = post
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4);
    to.reserve(128 + post.url.as_str().len() + lengths.sum::<usize>() + body.len());
    let mut push = |parts: &[&str]| parts.iter().for_each(|part| to.extend(part.as_bytes()));
    push(&["POST ", origin::target(post.url), " HTTP/1.1\r\n"]);
    push(&["Host: ", origin::authority(post.url), "\r\n"]);
    for (name, value) in post.headers {
        push(&[name, ": ", value, "\r\n"]);
    }
    push(&["Content-Length: ", &post.body.len().to_string(), "\r\n\r\n"]);
    to.extend_from_slice(body);
}
