//! Sending of a body concurrently with other work.

use wasi::http::types::OutgoingBody;
use wasi::io::streams::{OutputStream, StreamError};

use super::wait;

/// A body that is being sent.
pub struct Upload {
    /// `None` after the body has ended, complete or not.
    open: Option<Open>,
    /// The number of bytes sent.
    sent: usize,
}

/// The order of the fields matters: the stream must be dropped before its body.
struct Open {
    stream: OutputStream,
    body: OutgoingBody,
}

impl Upload {
    pub fn new(body: OutgoingBody) -> Option<Self> {
        let stream = body.write().ok()?;
        Some(Self {
            open: Some(Open { stream, body }),
            sent: 0,
        })
    }

    /// Sends the unsent part of `bytes`, and finishes the body. If the future is dropped before that,
    /// another call continues where it stopped.
    pub async fn send(&mut self, bytes: &[u8]) {
        let Some(open) = &self.open else { return };
        let sent = write(&open.stream, bytes, &mut self.sent).await;
        // A write error is ignored: the response, or its error, shows the reason.
        if let (Some(Open { stream, body }), Ok(())) = (self.open.take(), sent) {
            drop(stream);
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

async fn write(stream: &OutputStream, bytes: &[u8], sent: &mut usize) -> Result<(), StreamError> {
    while let Some(rest) = bytes.get(*sent..).filter(|rest| !rest.is_empty()) {
        let room = || match stream.check_write() {
            Ok(0) => None,
            other => Some(other),
        };
        let room = wait::until(room, || stream.subscribe()).await?;
        let size = usize::try_from(room).unwrap_or(usize::MAX).min(rest.len());
        stream.write(&rest[..size])?;
        *sent += size;
    }
    stream.flush()
}
