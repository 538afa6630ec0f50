//! Spin's capabilities and the HMAC component, as the consumer asks for them.

use spin_sdk::key_value::Store;
use spin_sdk::variables;

use super::bindings::fermyon::hmac::verify;
use crate::{Platform, PlatformError};

/// The key under which the signing key is kept in the default store.
const SIGNING_KEY: &str = "signing-key-data";

/// The platform of this instance.
pub struct Spin;

impl Platform for Spin {
    fn load_key(&self) -> Result<Option<Vec<u8>>, PlatformError> {
        Store::open_default()
            .and_then(|store| store.get(SIGNING_KEY))
            .map_err(|error| failed("reading the signing key", &error))
    }

    fn store_key(&self, key: &[u8]) -> Result<(), PlatformError> {
        Store::open_default()
            .and_then(|store| store.set(SIGNING_KEY, key))
            .map_err(|error| failed("storing the signing key", &error))
    }

    fn handshake_token(&self) -> Result<String, PlatformError> {
        variables::get("handshake_token")
            .map_err(|error| failed("reading the variable `handshake_token`", &error))
    }

    fn verify(&self, data: &[u8], key: &[u8], tag: &[u8]) -> bool {
        verify::verify(data, key, tag)
    }
}

fn failed(doing: &'static str, error: &impl ToString) -> PlatformError {
    let cause = error.to_string();
    PlatformError { doing, cause }
}
