//! Signing through the HMAC component.

use super::{Spin, bindings};
use crate::key::SigningKey;
use crate::outside::Signer;

impl Signer for Spin {
    fn sign(&self, body: &[u8], key: &SigningKey) -> Result<String, String> {
        let tag = bindings::sign(body, key.text().as_bytes())?;
        String::from_utf8(tag).map_err(|_| "the tag is not text".to_owned())
    }
}
