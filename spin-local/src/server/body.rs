//! The bodies of a request and its response, with a bound on how long the client may keep a
//! guest waiting for either.

#![allow(
    clippy::disallowed_methods,
    reason = "clients are waited for in real time"
)]

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::client::{Exchange, lock};
use crate::host::Host;
use crate::patience::{LOOK_INTERVAL, Patience, TICK};

/// The body of a request, which fails when its client is too slow: its guest then goes on, and
/// does not take what has come for the whole.
pub(super) struct RequestBody {
    body: Incoming,
    exchange: Arc<Exchange>,
    host: Host,
    sending: Patience,
    /// Runs while bytes are awaited.
    tick: Option<Pin<Box<Sleep>>>,
    /// The last time that the guest looked for bytes while they were awaited.
    looked_at: Instant,
    has_ended: bool,
}

impl RequestBody {
    pub(super) fn new(
        body: Incoming,
        exchange: Arc<Exchange>,
        host: Host,
        allowance: Duration,
    ) -> Self {
        Self {
            body,
            exchange,
            host,
            sending: Patience::new(allowance),
            tick: None,
            looked_at: Instant::now(),
            has_ended: false,
        }
    }

    /// Ends a wait for bytes, where there was one.
    fn moved(&mut self, bytes: usize) {
        if self.tick.take().is_some() {
            let now = self.look();
            self.sending.moved(now, bytes);
            self.exchange.client.has_sent();
        }
    }

    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.tick.is_none() {
            self.looked_at = Instant::now();
        }
        let now = self.look();
        self.sending.wait(now);
        self.exchange.client.await_body();
        loop {
            let tick = self.tick.get_or_insert_with(|| Box::pin(sleep(TICK)));
            ready!(tick.as_mut().poll(context));
            if self.sending.is_over(now, self.host.wants_places()) {
                return Poll::Ready(());
            }
            self.tick = None;
        }
    }

    /// Returns the time. A guest that waits for nothing else looks at every tick: what is longer
    /// than that, it spent otherwise.
    fn look(&mut self) -> Instant {
        let now = Instant::now();
        let since_last = now.saturating_duration_since(self.looked_at);
        if since_last > LOOK_INTERVAL {
            self.sending.forgive(since_last);
        }
        self.looked_at = now;
        now
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let failure = match pin!(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.moved(frame.data_ref().map_or(0, Bytes::len));
                return Poll::Ready(Some(Ok(frame)));
            }
            // The end of a connection that is closed from this side looks like that of a body.
            Poll::Ready(None) if !self.exchange.client.is_closed() => None,
            Poll::Ready(None) => Some(Error::ConnectionTerminated),
            Poll::Ready(Some(Err(error))) => Some(error.into()),
            Poll::Pending => {
                ready!(self.poll_patience(context));
                Some(Error::ConnectionReadTimeout)
            }
        };
        self.moved(0);
        self.has_ended = true;
        Poll::Ready(failure.map(Err))
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a response. Between the bytes it hands over and the wish for more lies the
/// client's reading.
pub(super) struct ResponseBody {
    body: WasiBody,
    exchange: Arc<Exchange>,
    /// The bytes handed over last.
    handed_over: usize,
}

impl ResponseBody {
    pub(super) fn new(body: WasiBody, exchange: Arc<Exchange>) -> Self {
        Self {
            body,
            exchange,
            handed_over: 0,
        }
    }
}

impl Drop for ResponseBody {
    /// Ends the wait for the client's reading: no more will be handed over.
    fn drop(&mut self) {
        if self.handed_over > 0 {
            lock(&self.exchange.reading).moved(Instant::now(), self.handed_over);
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let handed_over = std::mem::take(&mut self.handed_over);
        if handed_over > 0 {
            lock(&self.exchange.reading).moved(Instant::now(), handed_over);
        }
        let frame = ready!(pin!(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame {
            self.handed_over = frame.data_ref().map_or(0, Bytes::len);
            if self.handed_over > 0 {
                lock(&self.exchange.reading).wait(Instant::now());
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Completes when the client of `exchange` has not read its response for too long, so that its
/// guest writes in vain.
pub(super) async fn client_lost(exchange: Arc<Exchange>, host: Host) {
    loop {
        tokio::time::sleep(TICK).await;
        let others_wait = host.wants_places();
        if lock(&exchange.reading).is_over(Instant::now(), others_wait) {
            return;
        }
    }
}
