//! Outbound requests: their checks, their destinations and their timeouts.

use std::sync::Arc;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::body::BetweenBytes;
use super::caller::{Caller, Components, timeout};
use super::chain::{self, chained_component};
use crate::allowed_hosts;
use crate::host::grants::Grants;

/// The host name of a request to the own app, for SDKs that require a name.
const SELF_ALIAS: &str = "self.alt";

/// The outbound HTTP of one request.
pub(in crate::host) struct OutboundHttp(Caller);

impl OutboundHttp {
    pub(in crate::host) fn new(
        components: Arc<dyn Components>,
        grants: Arc<Grants>,
        depth: usize,
    ) -> Self {
        Self(Caller {
            components,
            grants,
            depth,
        })
    }
}

type Done = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(Response<WasiBody>, Done), Error>;

impl WasiHttpHooks for OutboundHttp {
    /// Returns `false`: the client derives the header from the URL, and a called component gets
    /// none. Removing it later would change the order of the other headers.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_processed: Done,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let caller = self.0.clone();
        Box::new(async move {
            let response = send(&caller, request, options.unwrap_or_default()).await?;
            Ok((response, Box::new(async { Ok(()) }) as Done))
        })
    }
}

async fn send(
    caller: &Caller,
    mut request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    let grants = &*caller.grants;
    if has_no_host(request.uri()) {
        check_self(grants)?;
        *request.uri_mut() = own_uri(grants, request.uri())?;
    } else {
        check(grants, request.uri())?;
    }
    let between_bytes = timeout(options.between_bytes_timeout);
    let host = request.uri().host().unwrap_or_default();
    if let Some(component) = chained_component(host).map(str::to_owned) {
        let response = chain::call(caller, &component, request, &options).await?;
        return Ok(response.map(|body| BetweenBytes::new(body, between_bytes).boxed_unsync()));
    }
    let network = &grants.network;
    let connect = timeout(options.connect_timeout);
    let sending = network
        .client
        .send(request, connect, network.blocked.clone());
    let response = tokio::time::timeout(timeout(options.first_byte_timeout), sending)
        .await
        .map_err(|_| Error::ConnectionReadTimeout)??;
    Ok(response.map(|body| BetweenBytes::new(body, between_bytes).boxed_unsync()))
}

/// Returns `true` for a relative URL, which arrives with an authority without a host.
fn has_no_host(uri: &Uri) -> bool {
    matches!(uri.host(), None | Some("" | SELF_ALIAS))
}

/// Checks a request of a guest to its own app.
fn check_self(grants: &Grants) -> Result<(), Error> {
    if allowed_hosts::allows_relative(&grants.network.allowed, &["http", "https"]) {
        return Ok(());
    }
    denied(grants, "self")
}

/// Returns the URL of the app itself with the path of `uri`.
fn own_uri(grants: &Grants, uri: &Uri) -> Result<Uri, Error> {
    let authority = Authority::try_from(grants.network.own_address.to_string())
        .map_err(|_| Error::HttpRequestUriInvalid)?;
    let path = uri.path_and_query().cloned();
    Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(authority)
        .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
        .build()
        .map_err(|_| Error::HttpRequestUriInvalid)
}

/// Checks a request to another host.
fn check(grants: &Grants, uri: &Uri) -> Result<(), Error> {
    let scheme = uri.scheme_str().unwrap_or("https");
    let host = uri.host().unwrap_or_default();
    if allowed_hosts::allows(&grants.network.allowed, scheme, host, uri.port_u16()) {
        return Ok(());
    }
    denied(grants, &allowed_hosts::origin(scheme, host, uri.port_u16()))
}

fn denied(grants: &Grants, origin: &str) -> Result<(), Error> {
    grants.report_denied(origin);
    Err(Error::HttpRequestDenied)
}
