//! The healthy receiver: verifies every signature, responds, and writes the ledger.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use webhook_signature::{Credential, Freshness, Scheme, verify};

use crate::config::{HEALTHY, NAMED, SECRET};
use crate::ledger::Ledger;

/// The duration of a request, long enough that about ten are always in flight.
const TAKES: Duration = Duration::from_millis(100);

/// A receiver on a separate runtime, so that [`Receiver::kill`] closes every connection at once.
pub struct Receiver {
    pub address: SocketAddr,
    ledger: Arc<Ledger>,
    runtime: Option<Runtime>,
}

impl Receiver {
    /// Starts a receiver on a free loopback port.
    pub async fn start(ledger: Arc<Ledger>) -> Result<Self> {
        let mut receiver = Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            ledger,
            runtime: None,
        };
        receiver.restart().await?;
        Ok(receiver)
    }

    /// Ends the receiver and closes its connections, like a kill of its process.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Restarts the receiver on the same port.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.spawn(listen(self.address)).await??;
        self.address = listener.local_addr()?;
        runtime.spawn(serve(listener, self.ledger.clone()));
        self.runtime = Some(runtime);
        Ok(())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Binds `address`, which is free once the connections of the previous receiver are closed.
async fn listen(address: SocketAddr) -> Result<TcpListener> {
    for _ in 0..200 {
        if let Ok(listener) = TcpListener::bind(address).await {
            return Ok(listener);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("the receiver cannot listen on {address}"))
}

async fn serve(listener: TcpListener, ledger: Arc<Ledger>) {
    let keys = Arc::new([Credential::parse(SECRET).expect("a secret")]);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // This process has no free descriptor for a moment.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (ledger, keys) = (ledger.clone(), keys.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| receive(request, &ledger, &*keys));
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn receive(
    request: Request<Incoming>,
    ledger: &Ledger,
    keys: &[Credential],
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let status = match endpoint(head.uri.path()) {
        Some(endpoint) => match accept(&head.headers, &body, keys) {
            Ok(id) => {
                tokio::time::sleep(TAKES).await;
                ledger.delivered(endpoint, number(&body), &id);
                200
            }
            Err(refusal) => {
                ledger.refused(refusal);
                400
            }
        },
        None => {
            ledger.refused(format!("a request to {}", head.uri.path()));
            404
        }
    };
    let mut response = Response::new(Full::default());
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    Ok(response)
}

/// Returns the endpoint of a path, or `None` for a path that was never configured.
fn endpoint(path: &str) -> Option<&'static str> {
    [HEALTHY, NAMED]
        .into_iter()
        .find(|name| path[1..] == **name)
}

fn accept(headers: &HeaderMap, body: &[u8], keys: &[Credential]) -> Result<String, String> {
    let fields = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = Freshness::at(now.expect("after 1970").as_secs());
    let request = webhook_signature::Request::new(fields, body);
    match verify(keys, &request, now, Scheme::Standard) {
        Ok(verified) => Ok(verified.id.unwrap_or_default().to_owned()),
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// Returns the number of the event with the data `body`.
pub fn number(body: &[u8]) -> Option<u64> {
    let data: serde_json::Value = serde_json::from_slice(body).ok()?;
    data.get("number")?.as_u64()
}
