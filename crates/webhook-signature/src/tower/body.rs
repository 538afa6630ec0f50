//! A response body that completes the claim of an id when it ends.

use alloc::boxed::Box;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};

use super::claim::complete;
use super::{BoxFuture, Ticket};

/// The body of the handler's response.
///
/// The id of a request is done when the handler's response has ended. This is recorded before the
/// client receives the last frame, so that its next request finds the id done. If the body fails, or
/// is dropped before its end, the ticket is dropped and the id is released.
pub struct TrackedBody<B: Body> {
    inner: Pin<Box<B>>,
    state: State,
    /// The number of bytes still to come, if it is known.
    left: Option<u64>,
    /// A frame that may be the last one.
    held: Option<Frame<B::Data>>,
}

enum State {
    /// The handler's response has not ended.
    Open(Box<dyn Ticket>),
    /// The response has ended, and the id is being recorded as done.
    Recording(BoxFuture<'static, ()>),
    /// There is no claim to complete.
    Untracked,
    Ended,
}

impl<B: Body> TrackedBody<B> {
    /// Wraps the body of a response. `announced` is its `Content-Length`: a server polls for no more
    /// than that, and so never reaches the end of the stream.
    pub(crate) fn new(inner: B, announced: Option<u64>, ticket: Option<Box<dyn Ticket>>) -> Self {
        Self {
            left: announced.or(inner.size_hint().exact()),
            inner: Box::pin(inner),
            state: ticket.map_or(State::Untracked, State::Open),
            held: None,
        }
    }

    fn end(&mut self) {
        self.state = match core::mem::replace(&mut self.state, State::Ended) {
            State::Open(ticket) => State::Recording(Box::pin(complete(ticket))),
            _ => State::Ended,
        };
    }

    /// Passes a frame on. The last one is held back until the id is recorded as done.
    fn take(&mut self, frame: Frame<B::Data>) -> Option<Frame<B::Data>> {
        if !matches!(self.state, State::Open(_)) {
            return Some(frame);
        }
        let bytes = frame.data_ref().map_or(0, Buf::remaining) as u64;
        self.left = self.left.map(|left| left.saturating_sub(bytes));
        if self.inner.is_end_stream() {
            self.end();
        } else if self.left != Some(0) {
            return Some(frame);
        }
        self.held.replace(frame)
    }
}

impl<B: Body> Body for TrackedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Recording(recording) => {
                    ready!(recording.as_mut().poll(context));
                    this.state = State::Ended;
                }
                State::Ended => return Poll::Ready(this.held.take().map(Ok)),
                State::Open(_) | State::Untracked => {
                    match ready!(this.inner.as_mut().poll_frame(context)) {
                        None => this.end(),
                        Some(Ok(frame)) => {
                            if let Some(frame) = this.take(frame) {
                                return Poll::Ready(Some(Ok(frame)));
                            }
                        }
                        Some(Err(error)) => {
                            this.state = State::Ended;
                            this.held = None;
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.state {
            State::Open(_) | State::Recording(_) => false,
            State::Untracked => self.inner.is_end_stream(),
            State::Ended => self.held.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().and_then(Frame::data_ref);
        let held = held.map_or(0, Buf::remaining) as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(held));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}

impl<B: Body> Unpin for TrackedBody<B> {}
