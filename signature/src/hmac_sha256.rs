//! HMAC-SHA256 (RFC 2104, FIPS 180-4), which every symmetric scheme signs with.
//!
//! A message comes in parts, hashed one after the other with nothing between them, so that no
//! scheme has to join its headers and the body in memory first.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Key;

/// The bytes of a tag.
pub(crate) const TAG_BYTES: usize = 32;

/// The tag of the message `parts` under `key`.
pub(crate) fn tag(key: &Key, parts: &[&[u8]]) -> [u8; TAG_BYTES] {
    keyed(key, parts).finalize().into_bytes().into()
}

/// Whether `tag` is the tag of the message `parts` under any of `keys`.
///
/// Each comparison takes the same time whichever byte differs. How many keys were tried before
/// one matched can be measured; it says nothing about the keys.
pub(crate) fn matches_any<'k>(
    keys: impl IntoIterator<Item = &'k Key>,
    parts: &[&[u8]],
    tag: &[u8; TAG_BYTES],
) -> bool {
    keys.into_iter()
        .any(|key| keyed(key, parts).verify_slice(tag).is_ok())
}

fn keyed(key: &Key, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes())
        .expect("HMAC takes a key of any length (RFC 2104, section 2)");
    for part in parts {
        mac.update(part);
    }
    mac
}
