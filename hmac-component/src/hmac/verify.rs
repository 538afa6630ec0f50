//! Verification of tags.

use alloc::vec::Vec;

use webhook_signature::{Key, plain};

use crate::Component;
use crate::world::exports::fermyon::hmac::verify::Guest;

impl Guest for Component {
    fn verify(data: Vec<u8>, keyvalue: Vec<u8>, tag: Vec<u8>) -> bool {
        let key = Key::from_bytes(keyvalue);
        plain::verify([&key], &data, Some(&tag)).is_ok()
    }
}
