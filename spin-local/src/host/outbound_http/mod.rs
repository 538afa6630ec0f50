//! The outbound HTTP capability: checks what a guest may reach, sends, and answers failures
//! with the error codes Spin gives.

mod body;
mod chain;
mod connect;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::{Grants, Host};
use crate::allowed_hosts;
use body::BetweenBytes;
use connect::{CONNECT, Connect, ConnectError, Connector};

pub(crate) use chain::chained_component;

/// What Spin waits where a guest sets no timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// The host name of a request a guest makes to its own app where its SDK wants a name.
const SELF_ALIAS: &str = "self.alt";

/// The pool of connections all guests share.
#[derive(Clone)]
pub(super) struct Client(legacy::Client<Connector, WasiBody>);

impl Client {
    pub(super) fn new() -> Self {
        let client = legacy::Client::builder(TokioExecutor::new()).build(Connector::new());
        Self(client)
    }
}

/// One request's view of the network.
pub(super) struct OutboundHttp(Caller);

/// Who makes a request.
#[derive(Clone)]
struct Caller {
    /// Who answers where the request goes to another component of the app.
    host: Host,
    grants: Arc<Grants>,
    /// How many components stand before this one, each having called the next.
    depth: usize,
}

impl OutboundHttp {
    pub(super) fn new(host: Host, grants: Arc<Grants>, depth: usize) -> Self {
        Self(Caller {
            host,
            grants,
            depth,
        })
    }
}

type Done = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(Response<WasiBody>, Done), Error>;

impl WasiHttpHooks for OutboundHttp {
    /// The client writes it from the URL, and a called component has none. Taking it away again
    /// would leave the other headers in another order.
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
    if names_no_host(request.uri()) {
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
    let connect = Connect {
        timeout: timeout(options.connect_timeout),
        blocked: grants.network.blocked.clone(),
    };
    let sending = CONNECT.scope(connect, grants.network.client.0.request(request));
    let response = tokio::time::timeout(timeout(options.first_byte_timeout), sending)
        .await
        .map_err(|_| Error::ConnectionReadTimeout)?
        .map_err(error_code)?;
    Ok(response.map(|body| BetweenBytes::new(body, between_bytes).boxed_unsync()))
}

fn timeout(given: Option<Duration>) -> Duration {
    given.unwrap_or(DEFAULT_TIMEOUT)
}

/// A guest's relative URL arrives with an authority that has no host.
fn names_no_host(uri: &Uri) -> bool {
    matches!(uri.host(), None | Some("" | SELF_ALIAS))
}

fn check_self(grants: &Grants) -> Result<(), Error> {
    if allowed_hosts::allows_relative(&grants.network.allowed, &["http", "https"]) {
        return Ok(());
    }
    denied(grants, "self")
}

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

fn error_code(error: legacy::Error) -> Error {
    let source = error.source();
    if let Some(connect) = source.and_then(|cause| cause.downcast_ref::<ConnectError>()) {
        return connect.code();
    }
    Error::HttpProtocolError
}
