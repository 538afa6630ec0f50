//! Calls from one component of the app to another, by `http://<component>.spin.internal`: answered
//! in this process, without a connection.
//!
//! As on Spin, the scheme and the port say nothing but what `allowed_outbound_hosts` is asked for,
//! and the called component sees the path as if it were under a route `/...`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::uri::Scheme;
use http::{Request, Response, Uri};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::{Caller, timeout};
use crate::engine::MAX_DEPTH;
use crate::headers;
use crate::host::Place;
use crate::routes::RouteMatch;
use crate::terminal;

/// What follows a component's name in the host that stands for it.
const DOMAIN: &str = "spin.internal";

/// The client's address that Spin tells a component which another one calls.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The longest wait for a place. Callers that wait with it do no good to anybody: what holds the
/// places may be waiting for them to read.
const PLACE_WAIT: Duration = Duration::from_secs(30);

/// The component that a host name or an authority without user stands for.
pub(crate) fn chained_component(host: &str) -> Option<&str> {
    let host = host.trim();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let (component, domain) = host.split_once('.')?;
    (domain == DOMAIN).then_some(component)
}

/// Has the component `id` answer the request. The caller's timeouts hold: the one for connecting
/// for the wait for a place, the one for the first byte for the head of the answer.
pub(super) async fn call(
    caller: &Caller,
    id: &str,
    mut request: Request<WasiBody>,
    options: &RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    let Some(component) = caller.host.component_named(id) else {
        terminal::line(format_args!(
            "component `{}` calls `{id}.{DOMAIN}`, and no trigger of the app names a component \
             `{id}`",
            caller.grants.component
        ));
        return Err(Error::DestinationNotFound);
    };
    let uri = plain(request.uri())?;
    let route = RouteMatch::of_call(component, uri.path());
    headers::prepare(request.headers_mut(), &uri, &route, NOBODY);
    *request.uri_mut() = uri;
    let place = place(caller, id, timeout(options.connect_timeout)).await?;
    // A caller that no longer reads is bounded itself.
    let lost = std::future::pending();
    let answer = caller.host.answer(component, place, request, lost);
    tokio::time::timeout(timeout(options.first_byte_timeout), answer)
        .await
        .map_err(|_| Error::ConnectionReadTimeout)
}

/// The URL as the called component sees it: there is no TLS inside one process.
fn plain(uri: &Uri) -> Result<Uri, Error> {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)
}

async fn place(caller: &Caller, id: &str, connect: Duration) -> Result<Place, Error> {
    let component = &caller.grants.component;
    let wait = connect.min(PLACE_WAIT);
    match tokio::time::timeout(wait, caller.host.place(caller.depth + 1)).await {
        Ok(Some(place)) => Ok(place),
        Ok(None) => {
            terminal::line(format_args!(
                "component `{component}` may not call `{id}`: it is itself the last of \
                 {MAX_DEPTH} that were called one by the other"
            ));
            Err(Error::LoopDetected)
        }
        Err(_) => {
            terminal::line(format_args!(
                "component `{component}` calls `{id}`, and for {wait:?} all places for called \
                 components were taken"
            ));
            Err(Error::ConnectionLimitReached)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::chained_component;

    #[test]
    fn a_component_is_named_by_the_one_label_before_the_domain() {
        for host in [
            "app.spin.internal",
            "app.spin.internal:3000",
            " app.spin.internal ",
        ] {
            assert_eq!(chained_component(host), Some("app"), "{host}");
        }
    }

    #[test]
    fn no_component_is_named_by_what_only_resembles_it() {
        for host in [
            "",
            "app",
            "spin.internal",
            "app.spin.internal.",
            "app.SPIN.internal",
            "a.b.spin.internal",
            "app.spin.internal.example",
            "appspin.internal",
            "[::1]:80",
        ] {
            assert_eq!(chained_component(host), None, "{host}");
        }
    }
}
