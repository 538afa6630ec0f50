//! `webhook-sender listen`: a receiver for debugging webhooks.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, RwLock};

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use clap::Args;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use webhook_model::Clock;
use webhook_signature::{Credential, Freshness, Request, Scheme, verify};

use super::output::{OutputClosed, print};
use super::secret::{Secrets, scheme};
use super::verify::reason;
use crate::api::{Limits, serve};
use crate::service::StopSignals;

/// The maximum size of a body, in bytes.
const MAX_BODY: usize = 10 * 1024 * 1024;

#[derive(Args)]
pub struct Listen {
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Accept keys by the registration handshake as well
    #[arg(long)]
    handshake: bool,
    /// The weakest scheme to accept
    #[arg(long, value_parser = scheme, default_value = "plain")]
    weakest: Scheme,
    /// The status of responses to verified requests
    #[arg(long, default_value_t = 200)]
    status: u16,
    #[command(flatten)]
    secrets: Option<Secrets>,
}

struct Receiver {
    keys: RwLock<Vec<Credential>>,
    handshake: bool,
    weakest: Scheme,
    status: StatusCode,
    /// Cancelled when the output is closed.
    unread: CancellationToken,
}

#[derive(Deserialize)]
struct Parameters {
    handshake: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyData {
    key_data: String,
}

impl Listen {
    /// Listens until SIGTERM or SIGINT.
    pub async fn run(self) -> Result<()> {
        let keys = self
            .secrets
            .as_ref()
            .map(Secrets::credentials)
            .transpose()?;
        let keys = keys.unwrap_or_default();
        anyhow::ensure!(
            self.handshake || !keys.is_empty(),
            "no key to verify with: use --secret or --handshake"
        );
        let receiver = Arc::new(Receiver {
            keys: RwLock::new(keys),
            handshake: self.handshake,
            weakest: self.weakest,
            status: StatusCode::from_u16(self.status).context("--status")?,
            unread: CancellationToken::new(),
        });
        let mut stop = StopSignals::listen()?;
        let listener = tokio::net::TcpListener::bind(self.listen).await;
        let listener = listener.with_context(|| format!("cannot listen on {}", self.listen))?;
        let address = listener.local_addr()?;
        // In one write: standard error has no buffer, and a reader could see half of the address.
        let line = format!("listening on http://{address}\n");
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
        let router = router(receiver.clone());
        let limits = Limits::of_this_process();
        tokio::select! {
            () = serve(listener, router, limits, CancellationToken::new()) => Ok(()),
            _ = stop.received() => Ok(()),
            () = receiver.unread.cancelled() => Err(OutputClosed.into()),
        }
    }
}

fn router(receiver: Arc<Receiver>) -> axum::Router {
    axum::Router::new()
        .fallback(axum::routing::post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(receiver)
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    uri: Uri,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    if receiver.handshake && parameters.handshake.as_deref() == Some("true") {
        return receiver.accept_key(&body);
    }
    let mut shown = format!("POST {uri}\n");
    for (name, value) in &headers {
        shown += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    }
    shown += &format!("\n{}\n", String::from_utf8_lossy(&body));
    match receiver.verify(&headers, &body) {
        Ok(scheme) => {
            receiver.show(&format!("{shown}=> verified by {}\n", scheme.name()));
            (receiver.status, "verified\n".into())
        }
        Err(reason) => {
            receiver.show(&format!("{shown}=> rejected, {reason}\n"));
            (StatusCode::BAD_REQUEST, format!("{reason}\n"))
        }
    }
}

impl Receiver {
    /// Prints text. If the output is closed, the command ends.
    fn show(&self, text: &str) {
        if print(text).is_err() {
            self.unread.cancel();
        }
    }

    fn accept_key(&self, body: &[u8]) -> (StatusCode, String) {
        let rejected = |reason: String| (StatusCode::BAD_REQUEST, reason);
        let Ok(key) = serde_json::from_slice::<KeyData>(body) else {
            return rejected("the body has no `keyData`\n".into());
        };
        match Credential::parse(key.key_data) {
            Ok(key) => {
                self.show(&format!("=> key {} accepted\n", key.fingerprint()));
                self.keys
                    .write()
                    .unwrap_or_else(|e| e.into_inner())
                    .insert(0, key);
                (StatusCode::OK, "key accepted\n".into())
            }
            Err(error) => rejected(format!("keyData: {error}\n")),
        }
    }

    /// Verifies a request. Returns the scheme, or the reason of the rejection.
    fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<Scheme, String> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let request = Request::new(headers, body);
        let now = Freshness::at(Clock::system().now().seconds());
        let keys = self.keys.read().unwrap_or_else(|e| e.into_inner());
        verify(&keys, &request, now, self.weakest)
            .map(|verified| verified.scheme)
            .map_err(|refusal| reason(&request, refusal))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    fn receiver() -> Arc<Receiver> {
        let key = Credential::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        Arc::new(Receiver {
            keys: RwLock::new(vec![key]),
            handshake: false,
            weakest: Scheme::Standard,
            status: StatusCode::OK,
            unread: CancellationToken::new(),
        })
    }

    #[tokio::test]
    async fn a_client_that_sends_too_little_is_disconnected() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = Limits {
            client_timeout: Duration::from_millis(50),
            ..Limits::of_this_process()
        };
        tokio::spawn(serve(
            listener,
            router(receiver()),
            limits,
            CancellationToken::new(),
        ));
        let body = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n{";
        for sent in ["POST / HTTP/1.1\r\n", body] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(sent.as_bytes()).await.unwrap();
            let mut received = Vec::new();
            let ended = client.read_to_end(&mut received);
            let ended = tokio::time::timeout(Duration::from_secs(30), ended).await;
            assert!(ended.is_ok(), "{sent:?}");
        }
    }

    #[test]
    fn the_reason_of_a_rejection_names_the_likely_mistake() {
        let headers = [("svix-id", "msg_1"), ("svix-signature", "v1,x")];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let reason = receiver().verify(&HeaderMap::from_iter(headers), b"{}");
        assert!(reason.unwrap_err().contains("`svix-signature`"));
    }
}
