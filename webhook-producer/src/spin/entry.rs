//! The component's HTTP handler.
#![allow(clippy::disallowed_macros)]
// the macro's expansion prints its errors
// `#[http_component]` generates the exported function, which receives raw handles.
#![allow(unsafe_code)]

use futures::StreamExt;
use spin_sdk::http::{Fields, IncomingRequest, OutgoingResponse, ResponseOutparam};
use spin_sdk::http_component;

use super::Spin;
use crate::body::Chunks;
use crate::http::{Headers, Request, Response};
use crate::platform::Log;

#[http_component]
async fn handle(request: IncomingRequest, out: ResponseOutparam) {
    let spin = Spin::default();
    let response = crate::respond(&spin, incoming(request)).await;
    let body = response.body.clone();
    let sent = match outgoing(response) {
        Some(outgoing) => out.set_with_body(outgoing, body).await,
        None => Ok(()),
    };
    if let Err(error) = sent {
        spin.log(&format!("PRODUCER: Sending the response failed: {error}"));
    }
}

fn incoming(request: IncomingRequest) -> Request<impl Chunks> {
    let target = request.path_with_query().unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target, None),
    };
    let headers = Headers::new(request.headers().entries());
    Request {
        method: request.method().to_string(),
        path,
        query,
        // If the header is repeated, the client sent one as well, and neither can be trusted.
        authority: if headers.has("spin-full-url") {
            authority(&headers)
        } else {
            request.authority()
        },
        headers,
        body: request
            .into_body_stream()
            .map(|chunk| chunk.map_err(|error| error.to_debug_string())),
    }
}

/// Returns host and port of the URL in Spin's header, which has the client's `Host`. The authority of
/// `wasi:http` may be the address that Spin listens on.
fn authority(headers: &Headers) -> Option<String> {
    let (_, url) = headers.single("spin-full-url")?.split_once("://")?;
    let (authority, _) = url.split_once('/')?;
    Some(authority.to_owned())
}

/// Converts a response. Returns `None` if the host rejects a header or the status, which never happens.
fn outgoing(response: Response) -> Option<OutgoingResponse> {
    let length = ("content-length", response.body.len().to_string());
    let headers: Vec<(String, Vec<u8>)> = response
        .headers
        .into_iter()
        .chain([length])
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
    let outgoing = OutgoingResponse::new(Fields::from_list(&headers).ok()?);
    outgoing.set_status_code(response.status).ok()?;
    Some(outgoing)
}
