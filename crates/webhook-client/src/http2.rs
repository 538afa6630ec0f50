//! Exchanges over HTTP/2 (RFC 9113), many at a time on one connection.
//!
//! `h2` is used directly: `hyper` spawns a task for each request, and does not report how many requests
//! the receiver allows once the connection is driven.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::{Ping, Reason};
use http::{HeaderName, HeaderValue, Request};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use webhook_model::{HeaderBlock, Phase, Protocol};

use super::error::plain;
use super::response::{BodyExcerpt, MAX_BODY_BYTES, Response};
use super::stream::Stream;
use super::{CallError, WebhookRequest};

/// The most exchanges at a time on one connection, where the receiver allows as many.
const MAX_STREAMS: usize = 100;

/// The most unread bytes of one response, and of all responses of a connection.
const STREAM_WINDOW: u32 = MAX_BODY_BYTES as u32;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// The most bytes of a response's headers. `h2` drops the status with a list that is longer, so the
/// limit lies far above what servers send.
const MAX_HEADER_LIST: u32 = 64 * 1024;

/// The time that a connection without users has for its shutdown.
const LINGER: Duration = Duration::from_secs(1);

/// A shared connection. It is closed once neither the pool nor an exchange holds a reference.
pub(super) struct SharedConnection {
    requests: SendRequest<Bytes>,
    /// The number of exchanges under way.
    exchanges: AtomicUsize,
    closed: Arc<AtomicBool>,
    pub created: Instant,
    /// Dropped with the last reference, which stops the task that drives the connection.
    _used: oneshot::Sender<()>,
}

/// The error of an exchange without a response.
pub(super) struct ExchangeError {
    pub error: CallError,
    /// True if the receiver certainly did not process the request, so that it may be sent again.
    pub unprocessed: bool,
}

/// The right to one exchange on a connection. Released when dropped.
pub(super) struct Slot(pub Arc<SharedConnection>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.exchanges.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SharedConnection {
    /// Sets up a connection by `deadline`, and spawns the task that drives it.
    pub(super) async fn start(stream: Stream, deadline: Instant) -> Result<Arc<Self>, CallError> {
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADER_LIST);
        let started = timeout_at(deadline, Self::handshake(stream, &builder)).await;
        started
            .map_err(|_| CallError::TimedOut(Phase::Connect))?
            .map_err(|error| CallError::Connect(explain(&error)))
    }

    async fn handshake(stream: Stream, builder: &Builder) -> Result<Arc<Self>, h2::Error> {
        let (requests, mut connection) = builder.handshake::<_, Bytes>(stream).await?;
        let pings = connection.ping_pong();
        let closed = Arc::new(AtomicBool::new(false));
        let (used, released) = oneshot::channel();
        let shared = Self {
            requests,
            exchanges: AtomicUsize::new(0),
            closed: closed.clone(),
            created: Instant::now(),
            _used: used,
        };
        tokio::spawn(async move {
            drive(connection, released).await;
            closed.store(true, Ordering::Relaxed);
        });
        // The reply follows the receiver's settings. From then on the number of exchanges that the
        // receiver allows is known, and none is refused for exceeding it.
        if let Some(mut pings) = pings {
            pings.ping(Ping::opaque()).await?;
        }
        Ok(Arc::new(shared))
    }

    /// Returns whether the connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Returns whether no exchange is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.exchanges.load(Ordering::Relaxed) == 0
    }

    /// Returns a slot, if one is free. Must be called under the pool's lock.
    pub(super) fn slot(self: &Arc<Self>) -> Option<Slot> {
        let most = self.requests.current_max_send_streams().min(MAX_STREAMS);
        let is_free = !self.is_closed() && self.exchanges.load(Ordering::Relaxed) < most;
        is_free.then(|| {
            self.exchanges.fetch_add(1, Ordering::Relaxed);
            Slot(self.clone())
        })
    }
}

/// Drives a connection until it ends or has no users. Without users it would end by itself, but only
/// after everything that is queued is sent, and a receiver may have stopped reading.
async fn drive(connection: Connection<Stream>, released: oneshot::Receiver<()>) {
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = released => timeout(LINGER, connection).await.unwrap_or(Ok(())),
    };
    if let Err(error) = ended {
        tracing::debug!(error = explain(&error), "http/2 connection ended");
    }
}

/// Sends the request and reads the response.
pub(super) async fn exchange(
    slot: &Slot,
    request: &WebhookRequest<'_>,
) -> Result<Response, ExchangeError> {
    let head = request_head(request).map_err(|error| failed(error, false))?;
    let requests = slot.0.requests.clone();
    let response = timeout_at(request.deadline, send(requests, head, request.body)).await;
    let response = response.map_err(|_| failed(CallError::TimedOut(Phase::Respond), false))??;
    let (head, mut body) = response.into_parts();
    let mut excerpt = BodyExcerpt::new(request.keep_response);
    // The status counts even if the body breaks off or is too long.
    let _ = timeout_at(request.deadline, read(&mut body, &mut excerpt)).await;
    let retry_after = head.headers.get(http::header::RETRY_AFTER);
    let mut headers = HeaderBlock::default();
    for (name, value) in &head.headers {
        headers.push(name.as_str(), value.as_bytes());
    }
    let (body, body_bytes) = excerpt.into_parts();
    Ok(Response {
        status: head.status.as_u16(),
        retry_after: retry_after
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        protocol: Protocol::Http2,
        headers,
        body,
        body_bytes,
    })
}

fn failed(error: CallError, unprocessed: bool) -> ExchangeError {
    ExchangeError { error, unprocessed }
}

async fn send(
    requests: SendRequest<Bytes>,
    head: Request<()>,
    body: &Bytes,
) -> Result<http::Response<h2::RecvStream>, ExchangeError> {
    let unsent = |error: h2::Error| failed(CallError::Send(explain(&error)), true);
    let mut requests = requests.ready().await.map_err(unsent)?;
    let (response, mut stream) = requests.send_request(head, false).map_err(unsent)?;
    // An error is ignored: a receiver may respond to the head alone and close the stream.
    let _ = stream.send_data(body.clone(), true);
    let without_response = |error: h2::Error| {
        let unprocessed = is_unprocessed(&error);
        failed(CallError::Respond(explain(&error)), unprocessed)
    };
    response.await.map_err(without_response)
}

/// Returns whether the receiver declares the request unprocessed (RFC 9113, section 8.7): it refused
/// the stream, or its GOAWAY names an earlier one as the last. `h2` reports a GOAWAY only to the
/// streams after that one.
fn is_unprocessed(error: &h2::Error) -> bool {
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    error.is_remote() && (refused || error.is_go_away())
}

/// Returns the text of an error of a connection or a stream.
fn explain(error: &h2::Error) -> String {
    match error.get_io() {
        Some(error) => plain(error),
        // `h2` itself resets a stream only because of its headers, and does not report which of the two
        // it is. Their status is lost: its API does not return it.
        None if error.is_reset() && error.is_library() => {
            format!("its headers are malformed, or longer than {MAX_HEADER_LIST} bytes")
        }
        None => error.to_string(),
    }
}

async fn read(body: &mut h2::RecvStream, excerpt: &mut BodyExcerpt) {
    while let Some(Ok(part)) = body.data().await {
        let released = body.flow_control().release_capacity(part.len());
        if !excerpt.push(&part) || released.is_err() {
            return;
        }
    }
}

fn request_head(request: &WebhookRequest<'_>) -> Result<Request<()>, CallError> {
    let mut head = Request::post(request.url.as_str())
        .version(http::Version::HTTP_2)
        .body(())
        .map_err(|error| CallError::Send(error.to_string()))?;
    let headers = head.headers_mut();
    for (name, value) in request.headers {
        let unsendable = || CallError::Header((*name).to_owned());
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsendable())?;
        let value = HeaderValue::from_str(value).map_err(|_| unsendable())?;
        headers.append(key, value);
    }
    headers.insert(http::header::CONTENT_LENGTH, request.body.len().into());
    Ok(head)
}
