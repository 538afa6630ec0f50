//! Exchanges over HTTP/2 (RFC 9113), many at a time on one connection.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::{Ping, Reason};
use http::{HeaderName, HeaderValue, Request, Response};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use webhook_model::Phase;

use super::answer::{Answer, MAX_BODY_BYTES, Reading};
use super::error::plain;
use super::stream::Stream;
use super::{CallError, Post};

/// The most exchanges at a time on one connection, where the receiver allows as many.
const MAX_STREAMS: usize = 100;

/// So much may be on its way to us in an answer, and in all answers of a connection, before it is
/// read.
const STREAM_WINDOW: u32 = MAX_BODY_BYTES as u32;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// The most bytes of a response's headers. `h2` drops the status with a list that is longer, so the
/// limit lies far above what servers send.
const MAX_HEADER_LIST: u32 = 64 * 1024;

/// How long a connection that has no users may take to say goodbye.
const LINGER: Duration = Duration::from_secs(1);

/// A connection that is shared. It is closed once the pool and all exchanges have let go of it.
pub(super) struct Shared {
    requests: SendRequest<Bytes>,
    /// How many exchanges are under way.
    exchanges: AtomicUsize,
    closed: Arc<AtomicBool>,
    pub born: Instant,
    /// Tells the task that drives the connection, by being dropped, that it has no users.
    _used: oneshot::Sender<()>,
}

/// No response.
pub(super) struct Failed {
    pub error: CallError,
    /// Whether the receiver certainly did not process the request, so that it may be sent again.
    pub unprocessed: bool,
}

/// A place for one exchange on a connection.
pub(super) struct Place(pub Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.exchanges.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    /// Sets up a connection by `deadline`. It is driven by a task of its own.
    pub(super) async fn start(stream: Stream, deadline: Instant) -> Result<Arc<Self>, CallError> {
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADER_LIST);
        let started = timeout_at(deadline, Self::shake_hands(stream, &builder)).await;
        started
            .map_err(|_| CallError::TimedOut(Phase::Connect))?
            .map_err(|error| CallError::Connect(explain(&error)))
    }

    async fn shake_hands(stream: Stream, builder: &Builder) -> Result<Arc<Self>, h2::Error> {
        let (requests, mut connection) = builder.handshake::<_, Bytes>(stream).await?;
        let pings = connection.ping_pong();
        let closed = Arc::new(AtomicBool::new(false));
        let (used, released) = oneshot::channel();
        let shared = Self {
            requests,
            exchanges: AtomicUsize::new(0),
            closed: closed.clone(),
            born: Instant::now(),
            _used: used,
        };
        tokio::spawn(async move {
            drive(connection, released).await;
            closed.store(true, Ordering::Relaxed);
        });
        // Its answer comes behind the receiver's settings: from here on it is known how many
        // exchanges the receiver allows, and none is refused for being one too many.
        if let Some(mut pings) = pings {
            pings.ping(Ping::opaque()).await?;
        }
        Ok(Arc::new(shared))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Whether no exchange is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.exchanges.load(Ordering::Relaxed) == 0
    }

    /// A place, if one is free. Called under the pool's lock.
    pub(super) fn place(self: &Arc<Self>) -> Option<Place> {
        let most = self.requests.current_max_send_streams().min(MAX_STREAMS);
        let is_free = !self.is_closed() && self.exchanges.load(Ordering::Relaxed) < most;
        is_free.then(|| {
            self.exchanges.fetch_add(1, Ordering::Relaxed);
            Place(self.clone())
        })
    }
}

/// Moves the bytes of a connection until it ends, or has no users any more. It would end by itself
/// then, but only after all that is queued is sent, and a receiver may have stopped reading.
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
pub(super) async fn exchange(place: &Place, post: &Post<'_>) -> Result<Answer, Failed> {
    let request = request(post).map_err(|error| failed(error, false))?;
    let requests = place.0.requests.clone();
    let response = timeout_at(post.deadline, respond(requests, request, post.body)).await;
    let response = response.map_err(|_| failed(CallError::TimedOut(Phase::Respond), false))??;
    let (head, mut body) = response.into_parts();
    let mut reading = Reading::default();
    // A response that breaks off, or goes on for too long, counts by its status.
    let _ = timeout_at(post.deadline, read(&mut body, &mut reading)).await;
    let retry_after = head.headers.get(http::header::RETRY_AFTER);
    Ok(Answer {
        status: head.status.as_u16(),
        retry_after: retry_after
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        body: reading.kept(),
    })
}

fn failed(error: CallError, unprocessed: bool) -> Failed {
    Failed { error, unprocessed }
}

async fn respond(
    requests: SendRequest<Bytes>,
    request: Request<()>,
    body: &Bytes,
) -> Result<Response<h2::RecvStream>, Failed> {
    let unsent = |error: h2::Error| failed(CallError::Send(explain(&error)), true);
    let mut requests = requests.ready().await.map_err(unsent)?;
    let (response, mut stream) = requests.send_request(request, false).map_err(unsent)?;
    // A receiver may respond to the head alone and close the stream: its response counts.
    let _ = stream.send_data(body.clone(), true);
    let unanswered = |error: h2::Error| {
        let unprocessed = is_unprocessed(&error);
        failed(CallError::Respond(explain(&error)), unprocessed)
    };
    response.await.map_err(unanswered)
}

/// Whether the receiver says that it did not process the request (RFC 9113, section 8.7): it refused
/// the stream, or its GOAWAY names an earlier one as the last. `h2` reports a GOAWAY only to the
/// streams behind that one.
fn is_unprocessed(error: &h2::Error) -> bool {
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    error.is_remote() && (refused || error.is_go_away())
}

/// An error of a connection or a stream, for people.
fn explain(error: &h2::Error) -> String {
    match error.get_io() {
        Some(error) => plain(error),
        // `h2` itself resets a stream for its headers alone, and does not say which of the two it is.
        None if error.is_reset() && error.is_library() => {
            format!("its headers are malformed, or longer than {MAX_HEADER_LIST} bytes")
        }
        None => error.to_string(),
    }
}

async fn read(body: &mut h2::RecvStream, reading: &mut Reading) {
    while let Some(Ok(part)) = body.data().await {
        let released = body.flow_control().release_capacity(part.len());
        if !reading.take(&part) || released.is_err() {
            return;
        }
    }
}

fn request(post: &Post<'_>) -> Result<Request<()>, CallError> {
    let mut request = Request::post(post.url.as_str())
        .version(http::Version::HTTP_2)
        .body(())
        .map_err(|error| CallError::Send(error.to_string()))?;
    let headers = request.headers_mut();
    for (name, value) in post.headers {
        let unsendable = || CallError::Header((*name).to_owned());
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsendable())?;
        let value = HeaderValue::from_str(value).map_err(|_| unsendable())?;
        headers.append(key, value);
    }
    headers.insert(http::header::CONTENT_LENGTH, post.body.len().into());
    Ok(request)
}
