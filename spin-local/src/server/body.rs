//! The bodies of a request and its response, with a limit on the time that a guest waits for the
//! client.

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

use super::client::lock;
use super::exchange::Exchange;
use crate::host::Host;
use crate::stall_timer::{CHECK_INTERVAL, POLL_INTERVAL, StallTimer};

/// The body of a request. It fails if its client is too slow, so that the guest continues and does
/// not take the partial body for the complete one.
pub(super) struct RequestBody {
    body: Incoming,
    exchange: Arc<Exchange>,
    host: Host,
    sending: StallTimer,
    /// Set while the guest waits for bytes.
    tick: Option<Pin<Box<Sleep>>>,
    /// The last time at which the guest polled during a wait.
    polled_at: Instant,
    has_ended: bool,
}

impl RequestBody {
    pub(super) fn new(
        body: Incoming,
        exchange: Arc<Exchange>,
        host: Host,
        limit: Duration,
    ) -> Self {
        Self {
            body,
            exchange,
            host,
            sending: StallTimer::new(limit),
            tick: None,
            polled_at: Instant::now(),
            has_ended: false,
        }
    }

    /// Ends the wait for bytes, if there is one.
    fn end_wait(&mut self, bytes: usize) {
        if self.tick.take().is_some() {
            let now = self.record_poll();
            self.sending.end_wait(now, bytes);
            self.exchange.client.end_body_wait();
        }
    }

    /// Completes when the client exceeds its time limit.
    fn poll_timeout(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.tick.is_none() {
            self.polled_at = Instant::now();
        }
        let now = self.record_poll();
        self.sending.start_wait(now);
        self.exchange.client.start_body_wait();
        loop {
            let tick = self
                .tick
                .get_or_insert_with(|| Box::pin(sleep(CHECK_INTERVAL)));
            ready!(tick.as_mut().poll(context));
            if self
                .sending
                .is_exceeded(now, self.host.has_waiting_requests())
            {
                return Poll::Ready(());
            }
            self.tick = None;
        }
    }

    /// Records a poll and returns the time. A guest that only waits polls at every check, so a longer
    /// interval is time that the guest spent otherwise.
    fn record_poll(&mut self) -> Instant {
        let now = Instant::now();
        let interval = now.saturating_duration_since(self.polled_at);
        if interval > POLL_INTERVAL {
            self.sending.exclude(interval);
        }
        self.polled_at = now;
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
                self.end_wait(frame.data_ref().map_or(0, Bytes::len));
                return Poll::Ready(Some(Ok(frame)));
            }
            // The end of a connection that the server closed looks like the end of a body.
            Poll::Ready(None) if !self.exchange.client.is_closed() => None,
            Poll::Ready(None) => Some(Error::ConnectionTerminated),
            Poll::Ready(Some(Err(error))) => Some(error.into()),
            Poll::Pending => {
                ready!(self.poll_timeout(context));
                Some(Error::ConnectionReadTimeout)
            }
        };
        self.end_wait(0);
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

/// The body of a response. The time between the bytes that it returns and the next poll is the time
/// that the client takes to read.
pub(super) struct ResponseBody {
    body: WasiBody,
    exchange: Arc<Exchange>,
    /// The number of bytes returned last.
    returned: usize,
}

impl ResponseBody {
    pub(super) fn new(body: WasiBody, exchange: Arc<Exchange>) -> Self {
        Self {
            body,
            exchange,
            returned: 0,
        }
    }
}

impl Drop for ResponseBody {
    /// Ends the wait for the client to read.
    fn drop(&mut self) {
        if self.returned > 0 {
            lock(&self.exchange.reading).end_wait(Instant::now(), self.returned);
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
        let returned = std::mem::take(&mut self.returned);
        if returned > 0 {
            lock(&self.exchange.reading).end_wait(Instant::now(), returned);
        }
        let frame = ready!(pin!(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame {
            self.returned = frame.data_ref().map_or(0, Bytes::len);
            if self.returned > 0 {
                lock(&self.exchange.reading).start_wait(Instant::now());
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

/// Completes when the client of `exchange` has exceeded the time limit for reading its response.
pub(super) async fn read_timeout(exchange: Arc<Exchange>, host: Host) {
    loop {
        tokio::time::sleep(CHECK_INTERVAL).await;
        let others_wait = host.has_waiting_requests();
        if lock(&exchange.reading).is_exceeded(Instant::now(), others_wait) {
            return;
        }
    }
}
