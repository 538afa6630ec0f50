//! The body of a request, with deadlines for the client that sends it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::pace::Pace;
use super::table::Turn;

/// The error of a client that sends its body too slowly.
#[derive(Debug, thiserror::Error)]
#[error("the body was not received in time")]
pub struct Stalled;

/// A body that fails with [`Stalled`] if the client is slower than the minimum pace.
pub struct PacedBody {
    inner: Incoming,
    pace: Pace,
    turn: Arc<Turn>,
}

impl PacedBody {
    pub fn new(inner: Incoming, pace: Pace, turn: Arc<Turn>) -> Self {
        if inner.is_end_stream() {
            turn.to_server();
        }
        Self { inner, pace, turn }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                let expired = self.pace.poll_expired(cx);
                return expired.map(|()| Some(Err(Stalled.into())));
            }
        };
        let data = frame.as_ref().and_then(|frame| frame.as_ref().ok());
        let bytes = data.and_then(Frame::data_ref).map_or(0, Bytes::len);
        self.pace.moved(bytes);
        if frame.is_none() || self.inner.is_end_stream() {
            self.turn.to_server();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
