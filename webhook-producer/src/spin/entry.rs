//! The component's HTTP handler.

// `#[http_component]` generates the exported function and takes handles over raw.
#![allow(unsafe_code)]

use futures::StreamExt;
use spin_sdk::http::{Fields, IncomingRequest, OutgoingResponse, ResponseOutparam};
use spin_sdk::http_component;

use super::Spin;
use crate::body::Chunks;
use crate::http::{Headers, Request, Response};
use crate::outside::Log;

#[http_component]
async fn handle(request: IncomingRequest, out: ResponseOutparam) {
    let spin = Spin::default();
    let response = crate::answer(&spin, incoming(request)).await;
    let body = response.body.clone();
    let sent = match outgoing(response) {
        Some(outgoing) => out.set_with_body(outgoing, body).await,
        None => Ok(()),
    };
    if let Err(error) = sent {
        spin.log(&format!("PRODUCER: The answer could not be sent: {error}"));
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
        // A header that is there twice was sent by the client as well, and names nothing.
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

/// Host and port of the URL that Spin says was called, which is the one with the client's `Host`.
/// The authority of `wasi:http` may be the address that Spin listens at.
fn authority(headers: &Headers) -> Option<String> {
    let (_, url) = headers.single("spin-full-url")?.split_once("://")?;
    let (authority, _) = url.split_once('/')?;
    Some(authority.to_owned())
}

/// None where the host refuses what a response of ours never has: a bad header or status.
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
