//! One request: find its route, give it an instance, answer what the guest answers.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::types as wasi;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use super::headers;
use crate::host::{Host, Instance};
use crate::routes::WELL_KNOWN_PREFIX;

type Answer = Response<HyperOutgoingBody>;

/// Answers one request. What goes wrong inside the guest is told on the terminal and answered
/// 500 without a word, as on Spin.
pub(super) async fn respond(
    host: &Host,
    mut request: Request<Incoming>,
    client: SocketAddr,
) -> Answer {
    let path = request.uri().path().to_owned();
    if let Some(name) = path.strip_prefix(WELL_KNOWN_PREFIX) {
        return well_known(name);
    }
    let Some(route) = host.router().find(&path) else {
        return plain(StatusCode::NOT_FOUND, "");
    };
    let Some(uri) = absolute(&request) else {
        return plain(StatusCode::BAD_REQUEST, "the request names no single host");
    };
    headers::prepare(request.headers_mut(), &uri, &route, client);
    *request.uri_mut() = uri;
    let component = route.component();
    match answer(host, component, request).await {
        Ok(Some(answer)) => answer,
        Ok(None) => plain(StatusCode::INTERNAL_SERVER_ERROR, ""),
        Err(error) => {
            tell_failure(host, component, &error);
            plain(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    }
}

fn well_known(name: &str) -> Answer {
    match name {
        "health" => plain(StatusCode::OK, "OK"),
        _ => plain(StatusCode::NOT_FOUND, ""),
    }
}

fn plain(status: StatusCode, body: &'static str) -> Answer {
    let body = Full::new(Bytes::from_static(body.as_bytes()));
    let body = body.map_err(|never| match never {}).boxed_unsync();
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer
}

/// The request's URL with its scheme and authority: from the request line or from `Host`, and
/// where both name one, the same.
fn absolute(request: &Request<Incoming>) -> Option<Uri> {
    let header = match request.headers().get(HOST) {
        Some(host) => Some(Authority::try_from(host.as_bytes()).ok()?),
        None => None,
    };
    let mut parts = request.uri().clone().into_parts();
    let authority = match (header, parts.authority.take()) {
        (Some(header), Some(line)) if header != line => return None,
        (Some(authority), _) | (None, Some(authority)) => authority,
        (None, None) => return None,
    };
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    Uri::from_parts(parts).ok()
}

/// The guest's answer, or none where it ended without one, which has been told.
async fn answer(
    host: &Host,
    component: usize,
    request: Request<Incoming>,
) -> wasmtime::Result<Option<Answer>> {
    let mut instance = host.instantiate(component).await?;
    let (sender, receiver) = oneshot::channel();
    let mut http = instance.store.data_mut().http();
    let request = http.new_incoming_request(wasi::Scheme::Http, request)?;
    let outparam = http.new_response_outparam(sender)?;
    // The guest goes on after its response has begun: it streams the body, and may work on
    // when that is done.
    let host = host.clone();
    let guest = tokio::spawn(async move {
        let Instance { proxy, store, .. } = &mut instance;
        let handler = proxy.wasi_http_incoming_handler();
        let ended = handler.call_handle(store, request, outparam).await;
        if let Err(error) = &ended {
            tell_failure(&host, component, error);
        }
        ended.is_ok()
    });
    match receiver.await {
        Ok(answer) => Ok(Some(answer?)),
        Err(_) if guest.await? => wasmtime::bail!("it returned without setting a response"),
        Err(_) => Ok(None),
    }
}

fn tell_failure(host: &Host, component: usize, error: &wasmtime::Error) {
    let component = host.component_id(component);
    eprintln!("component `{component}` failed: {error:?}");
}
