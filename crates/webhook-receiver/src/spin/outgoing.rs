//! Conversion of a response into Spin's.

use spin_sdk::http::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::cli::stderr::get_stderr;

use super::stream::write_all;
use crate::Response;

/// Sends the response. Write errors are ignored: they mean that the client has disconnected.
pub fn send(response: Response, outparam: ResponseOutparam) {
    let Some(outgoing) = outgoing(&response) else {
        let _ = write_all(&get_stderr(), b"invalid response headers\n");
        return;
    };
    let body = outgoing.body();
    outparam.set(outgoing);
    if let Ok(body) = body {
        write(body, &response.body);
    }
}

fn outgoing(response: &Response) -> Option<OutgoingResponse> {
    let length = response.body.len().to_string().into_bytes();
    let mut headers = response.headers.clone();
    headers.push(("content-length".to_owned(), length));
    let outgoing = OutgoingResponse::new(Fields::from_list(&headers).ok()?);
    outgoing.set_status_code(response.status).ok()?;
    Some(outgoing)
}

fn write(body: OutgoingBody, bytes: &[u8]) {
    let written = body.write().map(|stream| write_all(&stream, bytes));
    // A body must not be finished if a part is missing: it would look complete to the client.
    if let Ok(Ok(())) = written {
        let _ = OutgoingBody::finish(body, None);
    }
}
