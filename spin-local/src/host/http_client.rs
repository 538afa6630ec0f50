//! The HTTP client that all guests share.

mod connect;

use std::error::Error as _;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::runtime_config::BlockedNetworks;
use connect::{CONNECT, Connect, ConnectError, Connector};

/// An HTTP client with a pool of connections.
#[derive(Clone)]
pub(super) struct HttpClient(legacy::Client<Connector, WasiBody>);

impl HttpClient {
    pub(super) fn new() -> Self {
        let client = legacy::Client::builder(TokioExecutor::new()).build(Connector::new());
        Self(client)
    }

    /// Sends a request. `connect_timeout` and `blocked` apply if it needs a new connection.
    pub(super) async fn send(
        &self,
        request: Request<WasiBody>,
        connect_timeout: Duration,
        blocked: BlockedNetworks,
    ) -> Result<Response<Incoming>, Error> {
        let connect = Connect {
            timeout: connect_timeout,
            blocked,
        };
        let sending = CONNECT.scope(connect, self.0.request(request));
        sending.await.map_err(error_code)
    }
}

/// Returns the error code that the guest receives.
fn error_code(error: legacy::Error) -> Error {
    let source = error.source();
    if let Some(connect) = source.and_then(|cause| cause.downcast_ref::<ConnectError>()) {
        return connect.code();
    }
    Error::HttpProtocolError
}
