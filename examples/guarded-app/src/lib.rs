//! An app that knows nothing of webhooks or signatures: it answers with the request it got, as it
//! would stand on the wire, and prints a line about it, without the query, which may hold a token.
//! `?status=503` has it answer with that
//! status.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code)] // the macro's expansion takes the request and the answer over by handle

use spin_sdk::http::{IncomingRequest, Response};
use spin_sdk::http_component;

#[http_component]
async fn echo(request: IncomingRequest) -> Response {
    let target = request.path_with_query().unwrap_or_default();
    let mut echo = format!("{} {target}\r\n", request.method()).into_bytes();
    for (name, value) in request.headers().entries() {
        echo.extend([name.as_bytes(), b": ", &value, b"\r\n"].concat());
    }
    let path = target.split('?').next().unwrap_or_default();
    let line = format!("{} {path}", request.method());
    let Ok(body) = request.into_body().await else {
        return Response::new(400, "the body broke off");
    };
    println!("{line}, {} bytes", body.len());
    echo.extend_from_slice(b"\r\n");
    echo.extend(body);
    Response::builder()
        .status(status(&target))
        .header("content-type", "application/octet-stream")
        .body(echo)
        .build()
}

fn status(target: &str) -> u16 {
    let asked = target.split_once("?status=").map(|(_, status)| status);
    asked.and_then(|status| status.parse().ok()).unwrap_or(200)
}
