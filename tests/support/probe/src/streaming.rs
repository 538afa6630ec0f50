//! Streamed responses.

use std::thread::sleep;
use std::time::Duration;

use spin_sdk::http::{OutgoingBody, ResponseOutparam};
use wasi::io::streams::StreamError;

use crate::call::{Call, Usage};
use crate::reply::{start, write_all};

/// Streams the request body back. If it is incomplete, so is the response.
pub fn echo_body(call: &Call, outparam: ResponseOutparam) {
    let incoming = call.request.consume().expect("the body is not taken yet");
    let input = incoming.stream().expect("the stream is not taken yet");
    let body = start(200, &[], outparam);
    let output = body.write().expect("the body is not taken yet");
    let outcome = loop {
        match input.blocking_read(64 * 1024) {
            Ok(chunk) => {
                if write_all(&output, &chunk).is_err() {
                    break Err(());
                }
            }
            Err(StreamError::Closed) => break Ok(()),
            Err(StreamError::LastOperationFailed(_)) => break Err(()),
        }
    };
    drop(output);
    if outcome.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}

/// The parameters of `/stream`.
pub struct Chunks {
    count: usize,
    size: usize,
    pause: Duration,
}

impl Chunks {
    pub fn of(call: &Call) -> Result<Self, Usage> {
        Ok(Self {
            count: call.number("chunks")?,
            size: call.number("size")?,
            pause: Duration::from_millis(call.optional_number("ms")?.unwrap_or(0)),
        })
    }

    /// Sends the chunks. The first consists of `0`, the second of `1`, up to `9` and then again.
    pub fn send(&self, outparam: ResponseOutparam) {
        let body = start(200, &[], outparam);
        let stream = body.write().expect("the body is not taken yet");
        for digit in (b'0'..=b'9').cycle().take(self.count) {
            sleep(self.pause);
            if write_all(&stream, &vec![digit; self.size]).is_err() {
                return;
            }
        }
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}
