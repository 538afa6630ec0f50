//! One request: find its route, give it an instance, and respond with what the guest responds.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use super::body::{RequestBody, ResponseBody, client_lost};
use super::client::Exchange;
use crate::headers;
use crate::host::{Answer, Host, chained_component};
use crate::manifest::StaticResponse;
use crate::routes::{RouteTarget, WELL_KNOWN_PREFIX};

/// Responds to one request.
pub(super) async fn respond(
    host: &Host,
    request: Request<Incoming>,
    client: SocketAddr,
    exchange: Arc<Exchange>,
) -> Response<ResponseBody> {
    let answer = answer(host, request, client, &exchange).await;
    answer.map(|body| ResponseBody::new(body, exchange))
}

async fn answer(
    host: &Host,
    mut request: Request<Incoming>,
    client: SocketAddr,
    exchange: &Arc<Exchange>,
) -> Answer {
    let path = request.uri().path().to_owned();
    if let Some(name) = path.strip_prefix(WELL_KNOWN_PREFIX) {
        return well_known(name);
    }
    let Some(route) = host.router().find(&path) else {
        return plain(StatusCode::NOT_FOUND, "");
    };
    let component = match route.target() {
        RouteTarget::Component(component) => component,
        RouteTarget::Static(index) => return fixed(host.static_response(index)),
    };
    forget_component_host(&mut request);
    let Some(uri) = absolute(&request) else {
        return plain(StatusCode::BAD_REQUEST, "the request names no single host");
    };
    headers::prepare(request.headers_mut(), &uri, &route, client);
    *request.uri_mut() = uri;
    let Some(place) = host.place(0).await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "");
    };
    let allowance = host.limits().client_timeout;
    let request =
        request.map(|body| RequestBody::new(body, exchange.clone(), host.clone(), allowance));
    let lost = client_lost(exchange.clone(), host.clone());
    host.answer(component, place, request, lost).await
}

/// The response of a trigger that has no component.
fn fixed(response: &StaticResponse) -> Answer {
    let body = Full::new(response.body.clone());
    let body = body.map_err(|never| match never {}).boxed_unsync();
    let mut answer = Response::new(body);
    *answer.status_mut() = response.status;
    *answer.headers_mut() = response.headers.clone();
    answer
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
