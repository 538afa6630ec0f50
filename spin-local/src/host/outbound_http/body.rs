//! A response body that fails if its next bytes take too long.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use wasmtime_wasi_http::Error;

/// A body with a timeout for each frame.
pub(super) struct BetweenBytes<B> {
    body: B,
    timeout: Duration,
    /// Runs while a frame is awaited.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<B> BetweenBytes<B> {
    pub(super) fn new(body: B, timeout: Duration) -> Self {
        Self {
            body,
            timeout,
            waiting: None,
        }
    }
}

impl<B> Body for BetweenBytes<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = pin!(&mut self.body).poll_frame(context) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let timeout = self.timeout;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(timeout)));
        let expired = waiting.as_mut().poll(context);
        expired.map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
