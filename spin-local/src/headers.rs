//! The headers Spin gives every guest about its request.

use std::net::SocketAddr;

use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::routes::RouteMatch;

const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// Adds Spin's headers in place of any the client sent under their names, so that a guest can
/// trust them, and takes away what concerns the connection only.
pub(crate) fn prepare(
    headers: &mut HeaderMap,
    uri: &Uri,
    route: &RouteMatch<'_>,
    client: SocketAddr,
) {
    headers.remove(CONNECTION);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let full_url = format!("http://{}{path}", host.unwrap_or("localhost"));
    let mut set = |name: HeaderName, value: &str| {
        // What is not a header value came out of the path and is not printable there either.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(FULL_URL, &full_url);
    set(PATH_INFO, route.path_info());
    set(MATCHED_ROUTE, route.based_route());
    set(BASE_PATH, "/");
    set(COMPONENT_ROUTE, route.component_route());
    set(RAW_COMPONENT_ROUTE, route.raw_route());
    set(CLIENT_ADDR, &client.to_string());
    for (name, value) in route.named() {
        let name = name.to_ascii_lowercase().replace('_', "-");
        let name = format!("spin-path-match-{name}");
        if let Ok(name) = HeaderName::try_from(name) {
            set(name, value);
        }
    }
}
