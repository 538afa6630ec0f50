//! The headers with which Spin describes a request to the guest.

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

/// Sets Spin's headers. They replace headers of the client with the same names, so that a guest can
/// trust them. Removes the headers that concern only the connection.
pub(crate) fn set(headers: &mut HeaderMap, uri: &Uri, route: &RouteMatch<'_>, client: SocketAddr) {
    headers.remove(CONNECTION);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let full_url = format!("http://{}{path}", host.unwrap_or("localhost"));
    let mut insert = |name: HeaderName, value: &str| {
        // A value that is not valid in a header comes from a path that is not printable either.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    insert(PATH_INFO, route.path_info());
    insert(FULL_URL, &full_url);
    insert(MATCHED_ROUTE, route.based_route());
    insert(BASE_PATH, "/");
    insert(RAW_COMPONENT_ROUTE, route.raw_route());
    insert(COMPONENT_ROUTE, route.component_route());
    insert(CLIENT_ADDR, &client.to_string());
    for (name, value) in route.named() {
        let name = name.to_ascii_lowercase().replace('_', "-");
        let name = format!("spin-path-match-{name}");
        if let Ok(name) = HeaderName::try_from(name) {
            insert(name, value);
        }
    }
}
