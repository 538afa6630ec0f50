//! One request: its route, its permit and its response.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use super::body::{RequestBody, ResponseBody, read_timeout};
use super::exchange::Exchange;
use crate::host::{GuestResponse, Host, chained_component};
use crate::manifest::StaticResponse;
use crate::routes::{RouteTarget, WELL_KNOWN_PREFIX};
use crate::spin_headers;

/// Responds to a request.
pub(super) async fn respond(
    host: &Host,
    request: Request<Incoming>,
    client: SocketAddr,
    exchange: Arc<Exchange>,
) -> Response<ResponseBody> {
    let response = dispatch(host, request, client, &exchange).await;
    response.map(|body| ResponseBody::new(body, exchange))
}

/// Returns the response of the component or of the runtime.
async fn dispatch(
    host: &Host,
    mut request: Request<Incoming>,
    client: SocketAddr,
    exchange: &Arc<Exchange>,
) -> GuestResponse {
    let path = request.uri().path().to_owned();
    if let Some(name) = path.strip_prefix(WELL_KNOWN_PREFIX) {
        return well_known(name);
    }
    let Some(route) = host.router().find(&path) else {
        return plain(StatusCode::NOT_FOUND, "");
    };
    let component = match route.target() {
        RouteTarget::Component(component) => component,
        RouteTarget::Static(index) => return static_response(host.static_response(index)),
    };
    remove_component_host(&mut request);
    let Some(uri) = absolute(&request) else {
        return plain(
            StatusCode::BAD_REQUEST,
            "the request must have exactly one host",
        );
    };
    spin_headers::set(request.headers_mut(), &uri, &route, client);
    *request.uri_mut() = uri;
    let Some(permit) = host.permit(0).await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "");
    };
    let limit = host.limits().client_timeout;
    let request = request.map(|body| RequestBody::new(body, exchange.clone(), host.clone(), limit));
    let abandoned = read_timeout(exchange.clone(), host.clone());
    host.respond(component, permit, request, abandoned).await
}

/// Returns the response of a trigger without a component.
fn static_response(declared: &StaticResponse) -> GuestResponse {
    let body = Full::new(declared.body.clone());
    let body = body.map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = declared.status;
    *response.headers_mut() = declared.headers.clone();
    response
}

/// Responds to a path that the runtime serves itself.
fn well_known(name: &str) -> GuestResponse {
    match name {
        "health" => plain(StatusCode::OK, "OK"),
        _ => plain(StatusCode::NOT_FOUND, ""),
    }
}

fn plain(status: StatusCode, body: &'static str) -> GuestResponse {
    let body = Full::new(Bytes::from_static(body.as_bytes()));
    let body = body.map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

/// Removes a `Host` header with `<component>.spin.internal`: clients cannot use that name, which is
/// reserved for calls between components. The route depends only on the path.
fn remove_component_host(request: &mut Request<Incoming>) {
    let headers = request.headers_mut();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if host.and_then(chained_component).is_some() {
        headers.remove(HOST);
    }
}

/// Returns the URL of the request with scheme and authority. The authority comes from the request
/// line or from `Host`. Returns `None` if there is none, or if the two differ.
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
