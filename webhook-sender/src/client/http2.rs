//! Exchanges over HTTP/2 (RFC 9113), many at a time on one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use h2::Ping;
use h2::client::{Builder, SendRequest};
use http::{HeaderName, HeaderValue, Request, Response};
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, MAX_BODY_BYTES, MAX_HEAD_BYTES, Reading};
use super::http1::Failed;
use super::stream::Stream;
use super::{CallError, Post};
use crate::model::Phase;

/// The most exchanges at a time on one connection, where the receiver allows as many.
const MAX_STREAMS: usize = 100;

/// So much may be on its way to us in an answer, and in all answers of a connection, before it is
/// read.
const STREAM_WINDOW: u32 = MAX_BODY_BYTES as u32;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// A connection that is shared.
pub(super) struct Shared {
    requests: SendRequest<Bytes>,
    /// How many exchanges are under way.
    exchanges: AtomicUsize,
    closed: Arc<AtomicBool>,
    pub born: Instant,
}

/// A place for one exchange on a connection.
pub(super) struct Place(pub Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.exchanges.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    /// Sets up a connection by `deadline`. It is driven by a task of its own, until both sides are
    /// done with it.
    pub(super) async fn start(stream: Stream, deadline: Instant) -> Result<Arc<Self>, CallError> {
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEAD_BYTES as u32);
        let started = timeout_at(deadline, Self::shake_hands(stream, &builder)).await;
        started
            .map_err(|_| CallError::TimedOut(Phase::Connect))?
            .map_err(|error| CallError::Connect(error.to_string()))
    }

    async fn shake_hands(stream: Stream, builder: &Builder) -> Result<Arc<Self>, h2::Error> {
        let (requests, mut connection) = builder.handshake::<_, Bytes>(stream).await?;
        let pings = connection.ping_pong();
        let closed = Arc::new(AtomicBool::new(false));
        let shared = Self {
            requests,
            exchanges: AtomicUsize::new(0),
            closed: closed.clone(),
            born: Instant::now(),
        };
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "http/2 connection ended");
            }
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

/// Sends the request and reads the answer.
pub(super) async fn exchange(place: &Place, post: &Post<'_>) -> Result<Answer, Failed> {
    let request = request(post).map_err(|error| failed(error, false))?;
    let requests = place.0.requests.clone();
    let response = timeout_at(post.deadline, respond(requests, request, post.body)).await;
    let response = response
        .map_err(|_| failed(CallError::TimedOut(Phase::Respond), false))?
        .map_err(|error| failed(error, true))?;
    let (head, mut body) = response.into_parts();
    let mut reading = Reading::default();
    // An answer that breaks off, or goes on for too long, is an answer by its status.
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

fn failed(error: CallError, unanswered: bool) -> Failed {
    Failed { error, unanswered }
}

async fn respond(
    requests: SendRequest<Bytes>,
    request: Request<()>,
    body: &Bytes,
) -> Result<Response<h2::RecvStream>, CallError> {
    let send = |error: h2::Error| CallError::Send(error.to_string());
    let mut requests = requests.ready().await.map_err(send)?;
    let (response, mut stream) = requests.send_request(request, false).map_err(send)?;
    stream.send_data(body.clone(), true).map_err(send)?;
    response
        .await
        .map_err(|error| CallError::Respond(error.to_string()))
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
