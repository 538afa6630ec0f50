//! HMAC-SHA256 (RFC 2104, FIPS 180-4), which every symmetric scheme signs with.
//!
//! A message comes in parts, hashed one after the other with nothing between them, so that no
//! scheme has to join its headers and the body in memory first.

use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Key;

/// The bytes of a tag.
pub(crate) const TAG_BYTES: usize = 32;

/// What HMAC makes of a key before it sees a message, overwritten with zeros when it is dropped.
///
/// It signs as the key does, so it is as secret. Two blocks are hashed to make it.
pub(crate) struct Keyed(Hmac<Sha256>);

/// The tag that a message ought to have.
pub(crate) struct Tag(CtOutput<Hmac<Sha256>>);

impl Keyed {
    pub(crate) fn new(key: &[u8]) -> Self {
        let mac = Hmac::new_from_slice(key);
        Self(mac.expect("HMAC takes a key of any length (RFC 2104, section 2)"))
    }
}

impl Tag {
    pub(crate) fn into_bytes(self) -> [u8; TAG_BYTES] {
        self.0.into_bytes().into()
    }

    /// Whether this is the tag, found in the same time whichever byte differs.
    pub(crate) fn is(&self, tag: &[u8; TAG_BYTES]) -> bool {
        self.0 == CtOutput::new((*tag).into())
    }
}

/// The tag of the message `parts` under `key`.
pub(crate) fn tag(key: &Key, parts: &[&[u8]]) -> Tag {
    let mut mac = key.keyed().0.clone();
    for part in parts {
        mac.update(part);
    }
    Tag(mac.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_key_is_zeroed_on_drop() {
        fn zeroes_on_drop<T: zeroize::ZeroizeOnDrop>() {}
        // A keyed HMAC is two states of the hash and its buffer.
        zeroes_on_drop::<Sha256>();
        zeroes_on_drop::<CtOutput<Hmac<Sha256>>>();
    }
}
