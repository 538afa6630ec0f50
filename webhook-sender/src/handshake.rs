//! The registration handshake, which sends a receiver its key: `POST {url}` with the query parameter
//! `handshake=true` added and the body `{"keyData": "…"}`. A 2xx response accepts the key.
//!
//! The request is sent like a delivery to that endpoint: with its headers, to addresses that the policy
//! allows, and within its timeout.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use serde_json::json;
use tokio::time::Instant;
use webhook_client::{Client, Policy, WebhookRequest, check_url, with_defaults};
use webhook_model::Secret;

use crate::config::{HandshakeTarget, Handshakes};

/// Performs handshakes over HTTP.
pub struct ByHttp {
    pub client: Arc<Client>,
    pub policy: Policy,
    /// The timeout of endpoints that declare none.
    pub timeout: Duration,
}

#[async_trait]
impl Handshakes for ByHttp {
    async fn perform(&self, target: HandshakeTarget<'_>, key: &Secret) -> Result<()> {
        perform(&self.client, &self.policy, self.timeout, target, key).await
    }
}

/// Sends the key to the receiver of `target`, within the timeout of the target or else `timeout`.
///
/// # Errors
///
/// Fails if the receiver cannot be reached or rejects the key.
pub async fn perform(
    client: &Client,
    policy: &Policy,
    timeout: Duration,
    target: HandshakeTarget<'_>,
    key: &Secret,
) -> Result<()> {
    let mut url = check_url(target.url, policy)?;
    url.query_pairs_mut().append_pair("handshake", "true");
    let headers = with_defaults(target.headers);
    let headers = headers.iter().map(|(name, value)| (&**name, &**value));
    let post = WebhookRequest {
        url: &url,
        fairness_key: target.tenant.as_str(),
        headers: &headers.collect::<Vec<_>>(),
        keep_response: 0,
        body: &json!({ "keyData": key.reveal() }).to_string().into(),
        deadline: Instant::now() + target.timeout.unwrap_or(timeout),
    };
    let response = client.post(&post).await.context("the handshake")?;
    ensure!(
        (200..300).contains(&response.status),
        "the receiver responded to the handshake with {}",
        response.status
    );
    Ok(())
}
