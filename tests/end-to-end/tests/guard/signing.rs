//! Signatures, created independently of the crate.

use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use test_support::Request;

pub const KEY: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";

fn hmac(parts: &[&[u8]], key: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length is a key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs()
}

/// Returns the value of `X-Signature` for a body.
pub fn tag(body: &[u8], key: &str) -> String {
    hex::encode_upper(hmac(&[body], key))
}

/// Adds `body` to a request, and signs it with `plain`.
pub fn plain(request: Request, body: impl Into<Vec<u8>>) -> Request {
    let body = body.into();
    request.header("x-signature", tag(&body, KEY)).body(body)
}

/// Adds `body` to a request, and signs it with `wss` at a time.
pub fn wss(request: Request, at: u64, body: impl Into<Vec<u8>>) -> Request {
    let (at, body) = (at.to_string(), body.into());
    let tag = hex::encode(hmac(&[at.as_bytes(), &body], KEY));
    request
        .header("x-wss-timestamp", &at)
        .header("x-wss-signature", tag)
        .body(body)
}

/// Adds `body` to a request, and signs it with `standard` at the current time.
pub fn standard(request: Request, id: &str, body: impl Into<Vec<u8>>) -> Request {
    let (at, body) = (now().to_string(), body.into());
    let signed: [&[u8]; 5] = [id.as_bytes(), b".", at.as_bytes(), b".", &body];
    let tag = Base64::encode_string(&hmac(&signed, KEY));
    request
        .header("webhook-id", id)
        .header("webhook-timestamp", &at)
        .header("webhook-signature", format!("v1,{tag}"))
        .body(body)
}
