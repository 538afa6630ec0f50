//! A running consumer, and tags created independently of the crate.

use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use test_support::{App, Reply, Request, Running, Runtime, clock, components};

pub const COMPONENT: &str = "webhook-consumer";
pub const VERIFIED: &str = "Received payload and verified integrity";
pub const DUPLICATE: &str = "Received payload before and verified integrity";

/// A key in the producer's format.
pub const KEY: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";

/// Another key in the producer's format.
pub const OTHER: &str = "mB5kQpXz7TtYw2LcAhN4sVdRe8Gu0JfiK1oP";

/// Returns the tag of a body: its HMAC-SHA256 under the key's bytes, in upper-case hexadecimal digits.
pub fn tag(body: &[u8], key: &str) -> String {
    hex::encode_upper(hmac(&[body], key))
}

/// The headers of a scheme.
pub type Headers = Vec<(&'static str, String)>;

/// Returns the current time plus some seconds, in Unix seconds.
pub fn from_now(seconds: i64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("a clock past 1970").as_secs();
    now.checked_add_signed(seconds).expect("a time")
}

pub fn plain(body: &[u8], key: &str) -> Headers {
    vec![("X-Signature", tag(body, key))]
}

pub fn wss(body: &[u8], key: &str, at: u64) -> Headers {
    let at = format!("{at:010}");
    let tag = hmac(&[at.as_bytes(), body], key);
    vec![
        ("X-WSS-Signature", hex::encode(tag)),
        ("X-WSS-Timestamp", at),
    ]
}

pub fn standard(body: &[u8], key: &str, id: &str, at: u64) -> Headers {
    let at = at.to_string();
    let signature = hmac(&[id.as_bytes(), b".", at.as_bytes(), b".", body], key);
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at),
        (
            "webhook-signature",
            format!("v1,{}", Base64::encode_string(&signature)),
        ),
    ]
}

fn hmac(parts: &[&[u8]], key: &str) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).expect("any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// Returns the consumer with the defaults of its manifest.
pub fn as_delivered() -> App {
    App::from(components::consumer())
}

/// Returns the consumer as `make start-consumer` starts it: any caller may set a key, in any scheme.
pub fn app() -> App {
    opened(as_delivered())
}

/// Returns an open consumer with a stopped clock.
pub fn stopped() -> App {
    opened(clock::stopped(components::consumer()))
}

fn opened(app: App) -> App {
    let variables = ["open_handshake=true", "weakest_scheme=plain"];
    app.args(
        variables
            .into_iter()
            .flat_map(|variable| ["--variable", variable]),
    )
}

pub struct Consumer(pub Running);

impl Consumer {
    pub async fn start() -> Self {
        Self::of(&app()).await
    }

    /// Starts a consumer with one more variable, in the form `name=value`.
    pub async fn with(variable: &str) -> Self {
        Self::of(&app().args(["--variable", variable])).await
    }

    pub async fn of(app: &App) -> Self {
        Self(app.start(&Runtime::spin_local()).await)
    }

    pub fn target(&self) -> String {
        self.0.url("/target")
    }

    /// Sends a key in a handshake, as a producer does.
    pub async fn try_handshake(&self, key: &str) -> Reply {
        self.try_handshake_with("", key).await
    }

    /// Sends a key in a handshake with additional query parameters; `query` begins with `&`.
    pub async fn try_handshake_with(&self, query: &str, key: &str) -> Reply {
        let body = json!({ "keyData": key }).to_string();
        let target = format!("/target?handshake=true{query}");
        Request::post(self.0.url(&target)).json(body).send().await
    }

    pub async fn handshake(&self, key: &str) {
        let reply = self.try_handshake(key).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    /// Delivers a body with these headers.
    pub async fn deliver_with(&self, body: &[u8], headers: &Headers) -> Reply {
        let request = Request::post(self.target()).body(body.to_vec());
        let with = |request: Request, (name, value): &(&str, String)| request.header(name, value);
        headers.iter().fold(request, with).send().await
    }

    /// Delivers a body with a tag.
    pub async fn deliver(&self, body: &[u8], tag: &str) -> Reply {
        let request = Request::post(self.target()).header("X-Signature", tag);
        request.json(body.to_vec()).send().await
    }
}
