//! HMAC-SHA256 (RFC 2104, FIPS 180-4), the algorithm of every symmetric scheme.
//!
//! A message is passed in parts, which are hashed one after the other with nothing between them, so
//! that no scheme has to copy its headers and the body into one buffer.

use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The number of bytes of a tag.
pub(crate) const TAG_BYTES: usize = 32;

/// The HMAC state of a key before any message, overwritten with zeros when it is dropped.
///
/// It signs as the key does, so it is as secret. Creating it hashes two blocks.
pub(crate) struct PreparedKey(Hmac<Sha256>);

/// The correct tag of a message.
pub(crate) struct Tag(CtOutput<Hmac<Sha256>>);

impl PreparedKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        let mac = Hmac::new_from_slice(key);
        Self(mac.expect("HMAC takes a key of any length (RFC 2104, section 2)"))
    }

    /// Computes the tag of the message `parts`.
    pub(crate) fn tag(&self, parts: &[&[u8]]) -> Tag {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        Tag(mac.finalize())
    }
}

impl Tag {
    pub(crate) fn into_bytes(self) -> [u8; TAG_BYTES] {
        self.0.into_bytes().into()
    }

    /// Compares with `tag` in constant time.
    pub(crate) fn is(&self, tag: &[u8; TAG_BYTES]) -> bool {
        self.0 == CtOutput::new((*tag).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prepared_key_is_zeroed_on_drop() {
        fn zeroes_on_drop<T: zeroize::ZeroizeOnDrop>() {}
        // The HMAC state consists of two SHA-256 states and a buffer.
        zeroes_on_drop::<Sha256>();
        zeroes_on_drop::<CtOutput<Hmac<Sha256>>>();
    }
}
