//! The input and the output of signing.

use alloc::string::String;

/// A message to sign.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The event's id, which stays the same in every attempt. Only `standard` signs it.
    pub id: &'a str,
    /// The time of this attempt, in Unix seconds. `plain` does not sign it.
    pub timestamp: u64,
    /// The body, byte for byte as it is sent.
    pub body: &'a [u8],
}

/// A header to send: its name and its value.
pub type Header = (&'static str, String);
