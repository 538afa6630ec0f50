//! The registration handshake, by which a receiver is given its key: `POST {url}` with the query
//! parameter `handshake=true` added, and `{"keyData": "…"}` as its body. A 2xx accepts.
//!
//! It is sent as every request to that endpoint is: with its headers, to the addresses that the policy
//! lets through, and within its timeout.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use serde_json::json;
use tokio::time::Instant;
use webhook_client::{Client, Policy, WebhookRequest, check_url, with_defaults};
use webhook_model::Secret;

use crate::config::{HandshakeTarget, Handshakes};

/// Makes handshakes by HTTP.
pub struct ByHttp {
    pub client: Arc<Client>,
    pub policy: Policy,
    /// How long a handshake may take, unless the endpoint says otherwise.
    pub timeout: Duration,
}

#[async_trait]
impl Handshakes for ByHttp {
    async fn give(&self, target: HandshakeTarget<'_>, key: &Secret) -> Result<()> {
        perform(&self.client, &self.policy, self.timeout, target, key).await
    }
}

/// Gives the receiver of `target` its key, within its timeout or `timeout`.
///
/// # Errors
///
/// Why the receiver did not accept it.
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
        body: &json!({ "keyData": key.reveal() }).to_string().into(),
        deadline: Instant::now() + target.timeout.unwrap_or(timeout),
    };
    let response = client.post(&post).await.context("the handshake")?;
    ensure!(
        (200..300).contains(&response.status),
        "the receiver answered the handshake with {}",
        response.status
    );
    Ok(())
}
