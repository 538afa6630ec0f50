//! The keys of a call.

use alloc::string::String;
use alloc::vec::Vec;

use webhook_signature::Credential;

use crate::world::signatures::types::BadKey;

/// Parses all of `texts`, or returns the index of the first invalid one.
pub fn read(texts: Vec<String>) -> Result<Vec<Credential>, BadKey> {
    let credential = |(index, text): (usize, String)| {
        Credential::parse(text).map_err(|error| BadKey {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            fault: error.into(),
        })
    };
    texts.into_iter().enumerate().map(credential).collect()
}
