//! Validation of keys.

use alloc::string::String;

use webhook_signature::Credential;

use crate::Component;
use crate::world::signatures::keys::{Guest, KeyFault};

impl Guest for Component {
    fn fingerprint(key: String) -> Result<String, KeyFault> {
        Ok(Credential::parse(key)?.fingerprint())
    }
}
