//! `webhook-sender listen`: a receiver for people who debug webhooks.

use std::net::SocketAddr;
use std::sync::{Arc, RwLock};

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use clap::Args;
use serde::Deserialize;
use signature::{Credential, Freshness, Request, Scheme, Verified, verify};

use super::secret::{Secrets, scheme};
use crate::model::Clock;

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
    /// Listens until it is interrupted.
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
        });
        let listener = tokio::net::TcpListener::bind(self.listen).await;
        let listener = listener.with_context(|| format!("cannot listen on {}", self.listen))?;
        eprintln!("listening on http://{}", listener.local_addr()?);
        let router = axum::Router::new()
            .fallback(axum::routing::post(receive))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(receiver);
        axum::serve(listener, router).await.map_err(Into::into)
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
    println!("{shown}\n{}", String::from_utf8_lossy(&body));
    match receiver.verify(&headers, &body) {
        Ok(verified) => {
            println!("=> verified by {}\n", verified.scheme.name());
            (receiver.status, "verified\n".into())
        }
        Err(refusal) => {
            println!("=> refused, {}: {refusal}\n", refusal.code());
            (
                StatusCode::BAD_REQUEST,
                format!("{}: {refusal}\n", refusal.code()),
            )
        }
    }
}

impl Receiver {
    fn take_key(&self, body: &[u8]) -> (StatusCode, String) {
        let key = serde_json::from_slice::<KeyData>(body).ok();
        match key.and_then(|key| Credential::parse(key.key_data).ok()) {
            Some(key) => {
                println!("=> key {} taken\n", key.fingerprint());
                self.keys
                    .write()
                    .unwrap_or_else(|e| e.into_inner())
                    .insert(0, key);
                (StatusCode::OK, "key taken\n".into())
            }
            None => (StatusCode::BAD_REQUEST, "no keyData\n".into()),
        }
    }

    fn verify<'a>(
        &self,
        headers: &'a HeaderMap,
        body: &'a [u8],
    ) -> Result<Verified<'a>, signature::Refusal> {
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
