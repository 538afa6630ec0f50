//! The registration handshake, by which a receiver is given its key: `POST {url}` with the query
//! parameter `handshake=true` added, and `{"keyData": "…"}` as its body. A 2xx accepts.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use rand::distr::{Alphanumeric, SampleString};
use serde_json::json;
use tokio::time::Instant;

use crate::client::{Client, Policy, Post, check_url};
use crate::config::Handshakes;
use crate::model::Secret;

/// The characters of a key that is made up.
const KEY_LENGTH: usize = 36;

const TIMEOUT: Duration = Duration::from_secs(15);

/// A key as a handshake hands it out: 36 random letters and digits.
pub fn new_key() -> Secret {
    let text = Alphanumeric.sample_string(&mut rand::rng(), KEY_LENGTH);
    #[expect(clippy::expect_used, reason = "letters and digits are a secret")]
    Secret::new(text).expect("a secret of letters and digits")
}

/// Makes handshakes by HTTP.
pub struct ByHttp {
    pub client: Arc<Client>,
    pub policy: Policy,
}

#[async_trait]
impl Handshakes for ByHttp {
    async fn give(&self, url: &str, key: &Secret) -> Result<()> {
        perform(&self.client, &self.policy, url, key).await
    }
}

/// Gives the receiver at `url` its key.
///
/// # Errors
///
/// Why it did not take it.
pub async fn perform(client: &Client, policy: &Policy, url: &str, key: &Secret) -> Result<()> {
    let mut url = check_url(url, policy)?;
    url.query_pairs_mut().append_pair("handshake", "true");
    let body = json!({ "keyData": key.reveal() }).to_string().into();
    let post = Post {
        url: &url,
        // No tenant's: a handshake is asked for by who runs the sender.
        share: "",
        headers: &[("Content-Type", "application/json")],
        body: &body,
        deadline: Instant::now() + TIMEOUT,
    };
    let answer = client.post(&post).await.context("the handshake")?;
    ensure!(
        (200..300).contains(&answer.status),
        "the receiver answered the handshake with {}",
        answer.status
    );
    Ok(())
}
