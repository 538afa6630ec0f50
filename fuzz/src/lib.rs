//! Code that the fuzz targets share: a key, and its tags created without the crate under test.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use webhook_signature::Credential;

/// A secret without a prefix, so that its bytes are the key of every scheme.
pub const SECRET: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";

/// The receiver's clock in Unix seconds.
pub const NOW: u64 = 1_614_265_330;

pub fn keys() -> [Credential; 1] {
    [Credential::parse(SECRET).expect("a valid secret")]
}

/// Returns the HMAC-SHA256 of the concatenated parts.
pub fn tag(parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length is valid");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
