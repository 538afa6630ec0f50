//! One request: find its route, give it an instance, answer what the guest answers.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::headers;
use crate::host::{Answer, Host, chained_component};
use crate::routes::WELL_KNOWN_PREFIX;

/// Answers one request.
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
    forget_component_host(&mut request);
    let Some(uri) = absolute(&request) else {
        return plain(StatusCode::BAD_REQUEST, "the request names no single host");
    };
    headers::prepare(request.headers_mut(), &uri, &route, client);
    *request.uri_mut() = uri;
    match host.place(0).await {
        Some(place) => host.answer(route.component(), place, request).await,
        None => plain(StatusCode::SERVICE_UNAVAILABLE, ""),
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

/// No request from outside is for `<component>.spin.internal`: the name is for the components'
/// own calls. Its route is found by its path alone in any case.
fn forget_component_host(request: &mut Request<Incoming>) {
    let headers = request.headers_mut();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if host.and_then(chained_component).is_some() {
        headers.remove(HOST);
    }
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
