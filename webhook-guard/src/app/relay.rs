//! Giving the client the app's answer, as it comes, but for its end.
//!
//! An answer is known to be whole only when the app has ended it. The client must not see the
//! end before that is recorded, or its next request with the same id would find it unfinished. So
//! the last bytes of an answer whose length is known are held back, as is the head where it is all
//! there is; any other answer ends when its body is finished.

use std::future::Future;
use std::pin::pin;

use futures::future::{Either, select};
use spin_sdk::http::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::http::types::{IncomingBody, IncomingResponse};
use wasi::io::streams::{InputStream, OutputStream, StreamError};

use super::wait;

/// Bytes to ask for at a time.
const CHUNK: u64 = 64 * 1024;

/// The part of the app's answer that the client does not have yet.
pub struct Rest {
    /// The trailers of an answer that ended; `None` where it broke off.
    end: Option<Option<Fields>>,
    client: Client,
}

/// The client's side. The stream comes first, and the body next: each has to be gone before what it
/// belongs to.
struct Client {
    /// None once the client is gone.
    stream: Option<OutputStream>,
    body: OutgoingBody,
    /// The head, while it is held back.
    head: Option<OutgoingResponse>,
    /// The last bytes.
    held: Vec<u8>,
}

/// Relays until the app's answer ends, breaks off, or has not ended at `deadline`. Meanwhile the
/// app has the rest of the request by `upload`.
///
/// None where it broke off before the client has anything of it.
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
        // An app that has answered to the end needs nothing more.
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
    let unseen = end.is_none() && client.head.is_some();
    (!unseen).then_some(Rest { end, client })
}

/// Returns the number of bytes of the answer, if it is known before they come.
fn announced_length(response: &IncomingResponse, method: &str) -> Option<u64> {
    if method == "HEAD" || matches!(response.status(), 204 | 304) {
        return Some(0);
    }
    let length = response.headers().get(&"content-length".to_owned());
    let length = length.first()?;
    std::str::from_utf8(length).ok()?.parse().ok()
}

impl Rest {
    /// Returns whether the app's answer ended as it should.
    pub fn is_whole(&self) -> bool {
        self.end.is_some()
    }

    /// Gives the client the end of a whole answer. One that broke off is left unfinished, so that
    /// it does not look whole.
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
            // What HTTP forbids to pass on never gets here.
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

    /// Flushed each time: what the app has written now is not kept for what it writes later. A
    /// client that is gone changes nothing about the app's answer, which is read to its end.
    async fn write(&mut self, bytes: &[u8]) {
        if let Some(stream) = &self.stream
            && write(stream, bytes).await.is_err()
        {
            self.stream = None;
        }
    }
}

/// The trailers, where the answer ended and was as long as it had announced. None where not.
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

/// None where the app breaks off.
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

/// None at the end.
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
