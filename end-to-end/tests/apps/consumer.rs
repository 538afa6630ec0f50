//! A running consumer, as its callers see it, and tags made without any code of ours.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use test_support::{App, Reply, Request, Running, Runtime, components};

pub const COMPONENT: &str = "webhook-consumer";
pub const VERIFIED: &str = "Received payload and verified integrity";

/// A key of the form the producer hands out.
pub const KEY: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";

/// The tag of a body: upper-case hexadecimal digits of its HMAC-SHA256 under the key's bytes.
pub fn tag(body: &[u8], key: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).expect("any length");
    mac.update(body);
    hex::encode_upper(mac.finalize().into_bytes())
}

pub fn app() -> App {
    App::from(components::consumer())
}

pub struct Consumer(pub Running);

impl Consumer {
    pub async fn start() -> Self {
        Self::of(&app()).await
    }

    pub async fn of(app: &App) -> Self {
        Self(app.start(&Runtime::spin_local()).await)
    }

    pub fn target(&self) -> String {
        self.0.url("/target")
    }

    /// Hands the consumer a key, as a producer does.
    pub async fn try_handshake(&self, key: &str) -> Reply {
        let body = json!({ "keyData": key }).to_string();
        Request::post(self.0.url("/target?handshake=true"))
            .json(body)
            .send()
            .await
    }

    pub async fn handshake(&self, key: &str) {
        let reply = self.try_handshake(key).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    /// Delivers a body with a tag.
    pub async fn deliver(&self, body: &[u8], tag: &str) -> Reply {
        let request = Request::post(self.target()).header("X-Signature", tag);
        request.json(body.to_vec()).send().await
    }
}
