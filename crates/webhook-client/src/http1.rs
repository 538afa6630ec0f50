//! An exchange over HTTP/1.1 (RFC 9112).
//!
//! Implements only the part of the protocol that is needed to send whole bodies, one request at a
//! time. The status decides: once it has been received, nothing that follows discards it. Any
//! irregularity after it ends the connection, so that it cannot be taken for the beginning of the next
//! response.
//!
//! `hyper` is not used, because its client loses the status of some irregular responses (such as heads
//! that are cut off or have contradictory lengths), does not report the header lines that it skips, and
//! writes header names in one case only. It also takes more CPU: it builds a map of the headers and
//! passes each request and response through channels.

mod body;
mod head;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout_at;
use webhook_model::{Phase, Protocol};

use self::body::{Decoder, Progress};
use self::head::{Framing, Head};
use super::error::plain;
use super::response::{BodyExcerpt, MAX_HEAD_BYTES, Response};
use super::stream::Stream;
use super::{CallError, WebhookRequest, origin};

/// Up to this length a body is written together with the head.
const SMALL_BODY: usize = 16 * 1024;

/// The bytes that are read at a time. Responses are small.
const READ: usize = 2048;

/// The most bytes that the buffers of an idle connection hold on to.
const KEPT_BUFFER: usize = 4096;

/// A connection, and the buffers of its exchanges.
pub(super) struct Connection {
    stream: Stream,
    /// The request's head, and its body where that is small.
    first: Vec<u8>,
    /// The bytes that were read and not yet parsed. Empty between exchanges.
    received: Vec<u8>,
}

/// The result of an exchange.
pub(super) struct Exchanged {
    pub response: Response,
    /// Set if the connection can be used again.
    pub reusable: bool,
    /// The time for which the receiver announces to keep the connection open.
    pub keep_alive: Option<Duration>,
}

/// Sends the request and reads the response.
pub(super) async fn exchange(
    connection: &mut Connection,
    request: &WebhookRequest<'_>,
) -> Result<Exchanged, CallError> {
    let mut exchange = Exchange::new(connection, request);
    let head = timeout_at(request.deadline, exchange.send_and_read_head()).await;
    let head = head.unwrap_or_else(|_| Err(CallError::TimedOut(exchange.phase())));
    let head = head.or_else(|error| exchange.take_unfinished_head().ok_or(error))?;
    let mut excerpt = BodyExcerpt::new(request.keep_response);
    let body = exchange.read_body(head.framing, &mut excerpt);
    let complete = timeout_at(request.deadline, body).await;
    let persists = head.persists && exchange.persists && exchange.is_sent();
    connection.shrink_buffers();
    let (body, body_bytes) = excerpt.into_parts();
    Ok(Exchanged {
        reusable: persists && complete == Ok(true),
        keep_alive: head.keep_alive,
        response: Response {
            status: head.status,
            retry_after: head.retry_after,
            protocol: Protocol::Http1,
            headers: head.headers,
            body,
            body_bytes,
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

    /// Returns whether the receiver has neither closed the connection nor sent anything unrequested.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut room = [0; 1];
        let mut buffer = ReadBuf::new(&mut room);
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream)
            .poll_read(&mut context, &mut buffer)
            .is_pending()
    }

    fn shrink_buffers(&mut self) {
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
    /// Set if the interim responses leave the connection open.
    persists: bool,
}

impl<'a> Exchange<'a> {
    fn new(connection: &'a mut Connection, request: &WebhookRequest<'a>) -> Self {
        connection.first.clear();
        connection.received.clear();
        let mut rest: &[u8] = request.body;
        let small = if rest.len() <= SMALL_BODY {
            std::mem::take(&mut rest)
        } else {
            &[]
        };
        write_request(&mut connection.first, request, small);
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
            // After an interim response too, because its receiver waits for the rest of the request.
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
                    return Err(self.no_response(unsent.as_ref(), &error));
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

    /// Writes until everything is written or something is received: a receiver that responds early may
    /// read no more, and one that closes the connection may have sent the reason.
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
                Poll::Pending => return self.poll_early_response(context),
            }
        }
    }

    fn poll_early_response(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut room = [0; READ];
        let mut buffer = ReadBuf::new(&mut room);
        ready!(Pin::new(&mut self.connection.stream).poll_read(context, &mut buffer))?;
        self.connection.received.extend_from_slice(buffer.filled());
        if buffer.filled().is_empty() {
            Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
        } else {
            Poll::Ready(Ok(()))
        }
    }

    /// Removes the head of the final response from the received bytes, once it is complete.
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

    /// Returns the known part of a final response whose head is incomplete: cut off, too long, or too
    /// slow.
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

    fn no_response(&self, unsent: Option<&io::Error>, unread: &io::Error) -> CallError {
        match unsent {
            Some(error) if !self.is_sent() => CallError::Send(plain(error)),
            _ => CallError::Respond(plain(unread)),
        }
    }

    /// Reads the body. Returns whether it is complete and nothing follows it.
    async fn read_body(&mut self, framing: Framing, excerpt: &mut BodyExcerpt) -> bool {
        let Some(mut decoder) = Decoder::new(framing) else {
            excerpt.push(&self.connection.received);
            return false;
        };
        loop {
            match decoder.decode(&mut self.connection.received, excerpt) {
                Progress::Complete => return self.connection.received.is_empty(),
                Progress::Broken => return false,
                Progress::Incomplete => {}
            }
            if !matches!(self.read_some().await, Ok(1..)) {
                return false;
            }
        }
    }
}

fn write_request(to: &mut Vec<u8>, request: &WebhookRequest<'_>, body: &[u8]) {
    let lengths = request
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4);
    to.reserve(128 + request.url.as_str().len() + lengths.sum::<usize>() + body.len());
    let mut push = |parts: &[&str]| parts.iter().for_each(|part| to.extend(part.as_bytes()));
    push(&["POST ", origin::target(request.url), " HTTP/1.1\r\n"]);
    push(&["Host: ", origin::authority(request.url), "\r\n"]);
    for (name, value) in request.headers {
        push(&[name, ": ", value, "\r\n"]);
    }
    push(&[
        "Content-Length: ",
        &request.body.len().to_string(),
        "\r\n\r\n",
    ]);
    to.extend_from_slice(body);
}
