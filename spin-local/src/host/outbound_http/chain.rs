//! Calls from one component of the app to another, by `http://<component>.spin.internal`. They stay
//! in this process and need no connection.
//!
//! As on Spin, the scheme and the port matter only for `allowed_outbound_hosts`, and the called
//! component sees the path as if it matched a route `/...`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::uri::Scheme;
use http::{Request, Response, Uri};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::caller::{Caller, timeout};
use crate::engine::MAX_DEPTH;
use crate::host::permits::Permit;
use crate::routes::RouteMatch;
use crate::{spin_headers, terminal};

/// The domain of the host names of components.
const DOMAIN: &str = "spin.internal";

/// The client address that a called component sees, as on Spin.
const NO_CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The longest wait for a permit. A longer wait could block for good: the holders of the permits
/// may be waiting for the waiting callers to read.
const MAX_PERMIT_WAIT: Duration = Duration::from_secs(30);

/// Returns the component that a host name, or an authority without user information, stands for.
pub(crate) fn chained_component(host: &str) -> Option<&str> {
    let host = host.trim();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let (component, domain) = host.split_once('.')?;
    (domain == DOMAIN).then_some(component)
}

/// Sends the request to the component `id`. The timeouts of the caller apply: the connect timeout
/// to the wait for a permit, the first-byte timeout to the head of the response.
pub(super) async fn call(
    caller: &Caller,
    id: &str,
    mut request: Request<WasiBody>,
    options: &RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    let Some(component) = caller.components.find(id) else {
        terminal::line(format_args!(
            "component `{}` calls `{id}.{DOMAIN}`, and no trigger of the app has a component `{id}`",
            caller.grants.component
        ));
        return Err(Error::DestinationNotFound);
    };
    let uri = without_tls(request.uri())?;
    let route = RouteMatch::of_call(component, uri.path());
    spin_headers::set(request.headers_mut(), &uri, &route, NO_CLIENT);
    *request.uri_mut() = uri;
    let permit = permit(caller, id, timeout(options.connect_timeout)).await?;
    let response = caller.components.call(component, permit, request);
    tokio::time::timeout(timeout(options.first_byte_timeout), response)
        .await
        .map_err(|_| Error::ConnectionReadTimeout)
}

/// Returns the URL as the called component sees it: there is no TLS inside one process.
fn without_tls(uri: &Uri) -> Result<Uri, Error> {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)
}

async fn permit(caller: &Caller, id: &str, connect: Duration) -> Result<Permit, Error> {
    let component = &caller.grants.component;
    let wait = connect.min(MAX_PERMIT_WAIT);
    let permit = caller.components.permit(caller.depth + 1);
    match tokio::time::timeout(wait, permit).await {
        Ok(Some(permit)) => Ok(permit),
        Ok(None) => {
            terminal::line(format_args!(
                "component `{component}` cannot call `{id}`: the chain of calls is limited to \
                 {MAX_DEPTH} components"
            ));
            Err(Error::LoopDetected)
        }
        Err(_) => {
            terminal::line(format_args!(
                "component `{component}` cannot call `{id}`: no permit for called components was \
                 free within {wait:?}"
            ));
            Err(Error::ConnectionLimitReached)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::chained_component;

    #[test]
    fn the_single_label_before_the_domain_is_the_component() {
        for host in [
            "app.spin.internal",
            "app.spin.internal:3000",
            " app.spin.internal ",
        ] {
            assert_eq!(chained_component(host), Some("app"), "{host}");
        }
    }

    #[test]
    fn similar_host_names_stand_for_no_component() {
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
