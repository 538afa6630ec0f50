//! Spin's request, as a [`Request`].

use spin_sdk::http::IncomingRequest;
use wasi::clocks::monotonic_clock;
use wasi::io::poll::{Pollable, poll};
use wasi::io::streams::{InputStream, StreamError};

use crate::limits::BODY_SECONDS;
use crate::{BodyError, Headers, Request, read_bounded};

/// The number of bytes per read. Most deliveries are shorter and arrive in one piece.
const CHUNK: u64 = 64 * 1024;

/// The request of this instance.
pub struct Incoming {
    request: IncomingRequest,
}

impl Incoming {
    /// Wraps the request that the handler received.
    pub fn new(request: IncomingRequest) -> Self {
        Self { request }
    }
}

impl Request for Incoming {
    fn method(&self) -> String {
        self.request.method().to_string()
    }

    fn target(&self) -> String {
        self.request.path_with_query().unwrap_or_default()
    }

    fn headers(&self) -> Headers {
        self.request.headers().entries()
    }

    /// Blocks while reading: the instance serves only this request.
    fn body(&mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let body = self.request.consume().map_err(|()| BodyError::BrokenOff)?;
        let stream = body.stream().map_err(|()| BodyError::BrokenOff)?;
        let deadline = monotonic_clock::now() + BODY_SECONDS * 1_000_000_000;
        read_bounded(limit, || next_chunk(&stream, deadline))
    }
}

/// Returns the next bytes, or `None` at the end. Bytes that have arrived are read without waiting.
fn next_chunk(stream: &InputStream, deadline: u64) -> Result<Option<Vec<u8>>, BodyError> {
    loop {
        match stream.read(CHUNK) {
            Ok(chunk) if chunk.is_empty() => wait(&stream.subscribe(), deadline)?,
            Ok(chunk) => return Ok(Some(chunk)),
            Err(StreamError::Closed) => return Ok(None),
            Err(_) => return Err(BodyError::BrokenOff),
        }
    }
}

/// Waits for bytes or the deadline. A trickling body is always ready again, so the alarm has
/// precedence.
fn wait(readable: &Pollable, deadline: u64) -> Result<(), BodyError> {
    let alarm = monotonic_clock::subscribe_instant(deadline);
    poll(&[readable, &alarm]);
    if alarm.ready() {
        Err(BodyError::TooSlow {
            seconds: BODY_SECONDS,
        })
    } else {
        Ok(())
    }
}
