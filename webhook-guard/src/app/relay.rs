//! Giving the client the app's answer, as it comes.

use std::pin::pin;

use futures::future::{Either, select};
use spin_sdk::http::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::http::types::{IncomingBody, IncomingResponse};
use wasi::io::streams::{InputStream, OutputStream, StreamError};

use super::upload::Rest;
use super::wait;

/// Bytes to ask for at a time.
const CHUNK: u64 = 64 * 1024;

/// The app's answer, of which the head is known.
pub struct AppsAnswer {
    response: IncomingResponse,
    rest: Rest,
}

impl AppsAnswer {
    pub fn new(response: IncomingResponse, rest: Rest) -> Self {
        Self { response, rest }
    }

    /// Passes it on to its end, and lets the app have the rest of the request meanwhile.
    ///
    /// Where the client is gone there is nobody left to tell, and where the app breaks off, so does
    /// the client's answer.
    pub fn relay(self, outparam: ResponseOutparam) {
        let Self { response, rest } = self;
        let Some((incoming, outgoing)) = begin(&response, outparam) else {
            return;
        };
        spin_executor::run(async {
            let down = pin!(relay_body(incoming, outgoing));
            // An app that has answered to the end needs nothing more.
            match select(pin!(rest.send()), down).await {
                Either::Left(((), down)) => down.await,
                Either::Right(((), _)) => {}
            }
        });
    }
}

fn begin(
    response: &IncomingResponse,
    outparam: ResponseOutparam,
) -> Option<(IncomingBody, OutgoingBody)> {
    let headers = Fields::new();
    for (name, value) in response.headers().entries() {
        // What HTTP forbids to pass on never gets here.
        headers.append(&name, &value).ok()?;
    }
    let outgoing = OutgoingResponse::new(headers);
    outgoing.set_status_code(response.status()).ok()?;
    let body = outgoing.body().ok()?;
    outparam.set(outgoing);
    Some((response.consume().ok()?, body))
}

async fn relay_body(incoming: IncomingBody, outgoing: OutgoingBody) {
    if copy(&incoming, &outgoing).await.is_none() {
        // Not finished, so that it does not look whole.
        return;
    }
    let trailers = IncomingBody::finish(incoming);
    let trailers = wait::until(|| trailers.get(), || trailers.subscribe()).await;
    let Ok(Ok(trailers)) = trailers else { return };
    let trailers = trailers.and_then(|trailers| Fields::from_list(&trailers.entries()).ok());
    let _ = OutgoingBody::finish(outgoing, trailers);
}

/// None where either side breaks off.
async fn copy(incoming: &IncomingBody, outgoing: &OutgoingBody) -> Option<()> {
    let (from, to) = (incoming.stream().ok()?, outgoing.write().ok()?);
    while let Some(chunk) = read(&from).await.ok()? {
        write(&to, &chunk).await.ok()?;
    }
    Some(())
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

/// Flushed each time: what the app has written now is not kept for what it writes later.
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
