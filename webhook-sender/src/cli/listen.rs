//! `webhook-sender listen`: a receiver for people who debug webhooks.

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
use webhook_signature::{Credential, Freshness, Request, Scheme, Verified, verify};

use super::output::{OutputClosed, print};
use super::secret::{Secrets, scheme};
use crate::service::StopSignals;

/// The largest body it takes, in bytes.
const MAX_BODY: usize = 10 * 1024 * 1024;

#[derive(Args)]
pub struct Listen {
    /// Where
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Take keys by the registration handshake as well
    #[arg(long)]
    handshake: bool,
    /// The weakest scheme that will do
    #[arg(long, value_parser = scheme, default_value = "plain")]
    weakest: Scheme,
    /// Answer this status to what is verified
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
    /// Cancelled when nobody reads the output any more.
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
            "nothing to verify with: give --secret or --handshake"
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
        let _ = writeln!(std::io::stderr().lock(), "listening on http://{address}");
        let router = axum::Router::new()
            .fallback(axum::routing::post(receive))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(receiver.clone());
        tokio::select! {
            served = axum::serve(listener, router) => served.map_err(Into::into),
            _ = stop.received() => Ok(()),
            () = receiver.unread.cancelled() => Err(OutputClosed.into()),
        }
    }
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    uri: Uri,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    if receiver.handshake && parameters.handshake.as_deref() == Some("true") {
        return receiver.take_key(&body);
    }
    let mut shown = format!("POST {uri}\n");
    for (name, value) in &headers {
        shown += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    }
    shown += &format!("\n{}\n", String::from_utf8_lossy(&body));
    match receiver.verify(&headers, &body) {
        Ok(verified) => {
            receiver.show(&format!(
                "{shown}=> verified by {}\n",
                verified.scheme.name()
            ));
            (receiver.status, "verified\n".into())
        }
        Err(refusal) => {
            let reason = format!("{}: {refusal}\n", refusal.code());
            receiver.show(&format!("{shown}=> refused, {reason}"));
            (StatusCode::BAD_REQUEST, reason)
        }
    }
}

impl Receiver {
    /// Prints what happened. Where nobody reads that any more, the command ends.
    fn show(&self, text: &str) {
        if print(text).is_err() {
            self.unread.cancel();
        }
    }

    fn take_key(&self, body: &[u8]) -> (StatusCode, String) {
        let refused = |why: String| (StatusCode::BAD_REQUEST, why);
        let Ok(key) = serde_json::from_slice::<KeyData>(body) else {
            return refused("no keyData\n".into());
        };
        match Credential::parse(key.key_data) {
            Ok(key) => {
                self.show(&format!("=> key {} taken\n", key.fingerprint()));
                self.keys
                    .write()
                    .unwrap_or_else(|e| e.into_inner())
                    .insert(0, key);
                (StatusCode::OK, "key taken\n".into())
            }
            Err(error) => refused(format!("keyData: {error}\n")),
        }
    }

    fn verify<'a>(
        &self,
        headers: &'a HeaderMap,
        body: &'a [u8],
    ) -> Result<Verified<'a>, webhook_signature::Refusal> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let now = Clock::system().now().seconds();
        let keys = self.keys.read().unwrap_or_else(|e| e.into_inner());
        verify(
            &keys,
            &Request::new(headers, body),
            Freshness::at(now),
            self.weakest,
        )
    }
}
