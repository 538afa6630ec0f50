//! Spin's request as the consumer asks for it.

use spin_sdk::http::IncomingRequest;
use wasi::io::streams::StreamError;

use crate::{BodyError, Headers, Request, read_bounded};

/// Bytes to ask for at a time. Most deliveries are shorter and come in one piece.
const CHUNK: u64 = 64 * 1024;

/// The request of this instance.
pub struct Incoming {
    request: IncomingRequest,
}

impl Incoming {
    /// The request as the handler is given it.
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

    /// Reads by blocking: the instance serves this request alone.
    fn body(&mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let body = self.request.consume().map_err(|()| BodyError::BrokenOff)?;
        let stream = body.stream().map_err(|()| BodyError::BrokenOff)?;
        read_bounded(limit, || match stream.blocking_read(CHUNK) {
            Ok(chunk) => Ok(Some(chunk)),
            Err(StreamError::Closed) => Ok(None),
            Err(_) => Err(BodyError::BrokenOff),
        })
    }
}
