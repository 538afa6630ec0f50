//! Responses that are complete before they are sent.

use serde_json::{Value, json};
use spin_sdk::http::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::io::streams::{OutputStream, StreamError};

use crate::call::Usage;

pub type Outcome = Result<Reply, Usage>;

pub struct Reply {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Reply {
    pub fn text(text: impl Into<String>) -> Self {
        Self::with_type("text/plain; charset=utf-8", text.into().into_bytes())
    }

    pub fn json(value: &Value) -> Self {
        Self::with_type("application/json", value.to_string().into_bytes())
    }

    pub fn ok(value: impl Into<Value>) -> Self {
        Self::json(&json!({ "ok": value.into() }))
    }

    fn with_type(content_type: &str, body: Vec<u8>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.into())],
            body,
        }
    }

    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub fn headers(mut self, headers: Vec<(String, Vec<u8>)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Sends the response. An invalid status or header traps, which the test sees as a 500.
    pub fn send(self, outparam: ResponseOutparam) {
        let body = start(self.status, &self.headers, outparam);
        let stream = body.write().expect("the body is not taken yet");
        if write_all(&stream, &self.body).is_ok() {
            drop(stream);
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

/// The maximum size of a body in a JSON response, in bytes.
const MAX_SHOWN: usize = 64 * 1024;

/// Adds the members `body` (its beginning as text) and `bodyLength` (of the whole body in bytes).
pub fn show_body(mut object: Value, body: &[u8]) -> Value {
    let shown = &body[..body.len().min(MAX_SHOWN)];
    object["body"] = String::from_utf8_lossy(shown).into();
    object["bodyLength"] = body.len().into();
    object
}

/// Sends the status and headers, and returns the body to write.
pub fn start(
    status: u16,
    headers: &[(String, Vec<u8>)],
    outparam: ResponseOutparam,
) -> OutgoingBody {
    let headers = Fields::from_list(headers).expect("headers that the platform takes");
    let response = OutgoingResponse::new(headers);
    response
        .set_status_code(status)
        .expect("a status that the platform takes");
    let body = response.body().expect("the body is not taken yet");
    outparam.set(response);
    body
}

/// Writes all bytes in chunks that the stream accepts, and flushes at the end.
pub fn write_all(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        if now.is_empty() {
            stream.subscribe().block();
        } else {
            stream.write(now)?;
        }
        bytes = later;
    }
    stream.blocking_flush()
}
