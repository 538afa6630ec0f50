//! An app without any code for signatures: its response is the request as it looks on the wire. It
//! prints a line about each request, without the query, which may contain a token. `?status=503` sets
//! the status of the response.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code)] // the macro's expansion receives the request and the response as handles

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
        return Response::new(400, "the body is incomplete");
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
    let wanted = target.split_once("?status=").map(|(_, status)| status);
    wanted.and_then(|status| status.parse().ok()).unwrap_or(200)
}
