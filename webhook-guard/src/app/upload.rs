//! Sending a body while something else is waited for.

use wasi::http::types::OutgoingBody;
use wasi::io::streams::{OutputStream, StreamError};

use super::wait;

/// A body on its way.
pub struct Upload {
    /// None once the body has ended, whole or broken off.
    open: Option<Open>,
    /// How much of it has gone.
    sent: usize,
}

/// The stream comes first: it has to be gone before the body it belongs to.
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

    /// Sends what of `bytes` has not gone yet, and says at its end that the body is whole. Dropped
    /// before that, it can be called again, and goes on where it was.
    pub async fn send(&mut self, bytes: &[u8]) {
        let Some(open) = &self.open else { return };
        let sent = write(&open.stream, bytes, &mut self.sent).await;
        // What ended the sending early is told by the answer, or by the error in its place.
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
