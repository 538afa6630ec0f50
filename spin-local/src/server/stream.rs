//! A connection that fails if its client is too slow.

#![allow(
    clippy::disallowed_methods,
    reason = "clients are waited for in real time"
)]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep_until};

use super::client::Client;
use crate::stall_timer::StallTimer;
use crate::terminal;

/// A connection with two time limits: one for the whole head of the next request, and one for the
/// client to read.
pub(super) struct Stream {
    io: TokioIo<TcpStream>,
    client: Arc<Client>,
    timeout: Duration,
    head: Deadline,
    room: Deadline,
    writing: StallTimer,
}

impl Stream {
    pub(super) fn new(io: TcpStream, client: Arc<Client>, timeout: Duration) -> Self {
        Self {
            io: TokioIo::new(io),
            client,
            timeout,
            head: Deadline::default(),
            room: Deadline::default(),
            writing: StallTimer::new(timeout),
        }
    }

    /// Fails the read of the next head after the time limit.
    fn poll_head_timeout(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let since = ready!(self.client.poll_idle(context));
        ready!(self.head.poll(context, since + self.timeout));
        Poll::Ready(Err(too_slow("request head timed out")))
    }

    /// Handles the outcome of a write, and fails a write that waits for room too long.
    fn check_write(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Ready(Ok(bytes)) => {
                // The clock is read only if there was a wait.
                if self.room.is_set() {
                    self.writing.end_wait(Instant::now(), bytes);
                    self.room.unset();
                    self.client.end_wait();
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.client.start_wait();
                let end = self.writing.start_wait(Instant::now());
                ready!(self.room.poll(context, end));
                self.report_unread();
                Poll::Ready(Err(too_slow("the client does not read")))
            }
        }
    }

    /// Reports a connection that is closed during a response. The guest fails at its next write, or
    /// has ended, and nothing else reports the failure.
    fn report_unread(&self) {
        if let Ok(address) = self.io.inner().peer_addr() {
            terminal::line(format_args!(
                "closed the connection of {address}: its response was not read"
            ));
        }
    }
}

fn too_slow(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

/// A timer that is allocated on its first use and then reused.
#[derive(Default)]
struct Deadline {
    sleep: Option<Pin<Box<Sleep>>>,
    end: Option<Instant>,
}

impl Deadline {
    fn is_set(&self) -> bool {
        self.end.is_some()
    }

    fn unset(&mut self) {
        self.end = None;
    }

    /// Completes at `end`.
    fn poll(&mut self, context: &mut Context<'_>, end: Instant) -> Poll<()> {
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(end.into())));
        if self.end != Some(end) {
            sleep.as_mut().reset(end.into());
            self.end = Some(end);
        }
        sleep.as_mut().poll(context)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_read(context, buffer) {
            Poll::Pending => self.poll_head_timeout(context),
            read => read,
        }
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write(context, bytes);
        self.check_write(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.check_write(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
