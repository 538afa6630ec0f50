//! Signatures, created independently of the crate.

use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};

/// A key in the producer's format.
pub const KEY: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";

/// Another key in the producer's format.
pub const OTHER: &str = "mB5kQpXz7TtYw2LcAhN4sVdRe8Gu0JfiK1oP";

/// The headers of a scheme.
pub type Headers = Vec<(&'static str, String)>;

pub fn plain(body: &[u8], key: &str) -> Headers {
    vec![("X-Signature", hex::encode_upper(hmac(&[body], key)))]
}

/// Returns the current time in Unix seconds.
pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock past 1970").as_secs()
}

/// Returns the headers of `standard` at the current time.
pub fn standard(body: &[u8], key: &str, id: &str) -> Headers {
    let at = now().to_string();
    let tag = hmac(&[id.as_bytes(), b".", at.as_bytes(), b".", body], key);
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at),
        (
            "webhook-signature",
            format!("v1,{}", Base64::encode_string(&tag)),
        ),
    ]
}

fn hmac(parts: &[&[u8]], key: &str) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).expect("any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}
