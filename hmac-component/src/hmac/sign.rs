//! Creation of tags.

use alloc::string::String;
use alloc::vec::Vec;

use webhook_signature::{Key, plain};

use crate::Component;
use crate::world::exports::fermyon::hmac::sign::Guest;

impl Guest for Component {
    fn sign(data: Vec<u8>, keyvalue: Vec<u8>) -> Result<Vec<u8>, String> {
        let key = Key::from_bytes(keyvalue);
        Ok(plain::sign(&key, &data).into_bytes())
    }
}
