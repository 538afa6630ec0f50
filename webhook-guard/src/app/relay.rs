//! Streaming of the app's response to the client, except for its end.
//!
//! A response is known to be complete only when the app has ended it. The client must not see the
//! end before this is recorded, or its next request with the same id would find the id in progress.
//! So the last bytes of a response of known length are held back, as is the head of a response
//! without a body; any other response ends when its body is finished.

use std::future::Future;
use std::pin::pin;

use futures::future::{Either, select};
use spin_sdk::http::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::http::types::{IncomingBody, IncomingResponse};
use wasi::io::streams::{InputStream, OutputStream, StreamError};

use super::wait;

/// The number of bytes per read.
const CHUNK: u64 = 64 * 1024;

/// The part of the app's response that was not sent to the client yet.
pub struct Rest {
    /// The trailers of a complete response; `None` if it is incomplete.
    end: Option<Option<Fields>>,
    client: Client,
}

/// The client's side. The order of the fields matters: the stream must be dropped before the body,
/// and the body before the head.
struct Client {
    /// `None` after the client has disconnected.
    stream: Option<OutputStream>,
    body: OutgoingBody,
    /// The head, while it is held back.
    head: Option<OutgoingResponse>,
    /// The last bytes, while they are held back.
    held: Vec<u8>,
}

/// Relays until the app's response ends, breaks off, or reaches the `deadline`. Concurrently,
/// `upload` sends the rest of the request to the app.
///
/// Returns `None` if the response broke off before anything was sent to the client.
pub fn relay(
    response: &IncomingResponse,
    method: &str,
    upload: impl Future<Output = ()>,
    deadline: u64,
    out: &mut Option<ResponseOutparam>,
) -> Option<Rest> {
    let length = announced_length(response, method);
    let mut client = Client::of(response)?;
    if length != Some(0) {
        out.take()?.set(client.head.take()?);
    }
    let incoming = response.consume().ok();
    let end = spin_executor::run(async {
        let down = pin!(async { download(incoming?, &mut client, length).await });
        // An app that has sent its whole response needs no more of the request.
        let relayed = pin!(async {
            match select(pin!(upload), down).await {
                Either::Left(((), down)) => down.await,
                Either::Right((end, _)) => end,
            }
        });
        match select(relayed, pin!(wait::until_instant(deadline))).await {
            Either::Left((end, _)) => end,
            Either::Right(((), _)) => None,
        }
    });
    let unsent = end.is_none() && client.head.is_some();
    (!unsent).then_some(Rest { end, client })
}

/// Returns the number of bytes of the response body, if it is known in advance.
fn announced_length(response: &IncomingResponse, method: &str) -> Option<u64> {
    if method == "HEAD" || matches!(response.status(), 204 | 304) {
        return Some(0);
    }
    let length = response.headers().get(&"content-length".to_owned());
    let length = length.first()?;
    std::str::from_utf8(length).ok()?.parse().ok()
}

impl Rest {
    /// Returns true if the app's response is complete.
    pub fn is_whole(&self) -> bool {
        self.end.is_some()
    }

    /// Sends the end of a complete response. An incomplete one is left unfinished, so that the client
    /// notices it.
    pub fn finish(self, out: Option<ResponseOutparam>) {
        let Self { end, mut client } = self;
        let Some(trailers) = end else { return };
        if let (Some(head), Some(out)) = (client.head.take(), out) {
            out.set(head);
        }
        let held = std::mem::take(&mut client.held);
        spin_executor::run(client.write(&held));
        if client.stream.take().is_some() {
            let _ = OutgoingBody::finish(client.body, trailers);
        }
    }
}

impl Client {
    fn of(response: &IncomingResponse) -> Option<Self> {
        let headers = Fields::new();
        for (name, value) in response.headers().entries() {
            // Headers that HTTP forbids to forward never get here.
            headers.append(&name, &value).ok()?;
        }
        let head = OutgoingResponse::new(headers);
        head.set_status_code(response.status()).ok()?;
        let body = head.body().ok()?;
        Some(Self {
            stream: body.write().ok(),
            body,
            head: Some(head),
            held: Vec::new(),
        })
    }

    /// Writes and flushes, so that bytes are not delayed until the app writes more. A client that has
    /// disconnected is ignored: the app's response is still read to its end.
    async fn write(&mut self, bytes: &[u8]) {
        if let Some(stream) = &self.stream
            && write(stream, bytes).await.is_err()
        {
            self.stream = None;
        }
    }
}

/// Returns the trailers if the response is complete and has its announced length.
async fn download(
    incoming: IncomingBody,
    client: &mut Client,
    length: Option<u64>,
) -> Option<Option<Fields>> {
    copy(&incoming.stream().ok()?, client, length).await?;
    let trailers = IncomingBody::finish(incoming);
    let trailers = wait::until(|| trailers.get(), || trailers.subscribe()).await;
    let trailers = trailers.ok()?.ok()?;
    Some(trailers.and_then(|trailers| Fields::from_list(&trailers.entries()).ok()))
}

/// Copies the body. Returns `None` if the app breaks off.
async fn copy(from: &InputStream, client: &mut Client, length: Option<u64>) -> Option<()> {
    let mut left = length;
    while let Some(chunk) = read(from).await.ok()? {
        left = left.map(|left| left.saturating_sub(chunk.len() as u64));
        match left {
            Some(0) => client.held.extend(chunk),
            _ => client.write(&chunk).await,
        }
    }
    left.is_none_or(|left| left == 0).then_some(())
}

/// Reads the next chunk, or `None` at the end.
async fn read(from: &InputStream) -> Result<Option<Vec<u8>>, StreamError> {
    let ready = || match from.read(CHUNK) {
        Ok(chunk) if chunk.is_empty() => None,
        Ok(chunk) => Some(Ok(Some(chunk))),
        Err(StreamError::Closed) => Some(Ok(None)),
        Err(error) => Some(Err(error)),
    };
    wait::until(ready, || from.subscribe()).await
}

async fn write(to: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let size = room(to).await?.min(bytes.len());
        to.write(&bytes[..size])?;
        bytes = &bytes[size..];
    }
    to.flush()?;
    room(to).await.map(drop)
}

async fn room(to: &OutputStream) -> Result<usize, StreamError> {
    let ready = || match to.check_write() {
        Ok(0) => None,
        other => Some(other),
    };
    let room = wait::until(ready, || to.subscribe()).await?;
    Ok(usize::try_from(room).unwrap_or(usize::MAX))
}
