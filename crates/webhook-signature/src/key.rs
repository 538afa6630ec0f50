//! The secret that sender and receiver share.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use once_cell::race::OnceBox;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::hmac_sha256::{PreparedKey, Tag};

/// The number of hex digits of a fingerprint.
const FINGERPRINT_DIGITS: usize = 8;

/// A secret key, overwritten with zeros when it is dropped.
///
/// Any length is valid, including the empty key. A key cannot be printed: it has neither `Debug`
/// nor `Display`. Logs can show its [`fingerprint`](Key::fingerprint).
///
/// Keep a key that is used again: the first use prepares the HMAC state, which saves each later use
/// a tenth of the work on 1 KiB.
///
/// ```compile_fail
/// let key = webhook_signature::Key::from_text("secret");
/// println!("{key:?}");
/// ```
pub struct Key {
    bytes: Zeroizing<Vec<u8>>,
    /// Created at the first use. Boxed, as the bytes are, so that moving the key leaves no copy
    /// behind.
    prepared: OnceBox<PreparedKey>,
}

impl Key {
    /// Creates a key from the UTF-8 bytes of `secret`, exactly as it was issued.
    ///
    /// A `String` is moved in without a copy, so that no other copy stays in memory; a `&str` is
    /// copied, and erasing the original is up to the caller.
    ///
    /// ```
    /// let key = webhook_signature::Key::from_text("Jefe");
    /// assert_eq!(key.fingerprint(), "005725b4");
    /// ```
    pub fn from_text(secret: impl Into<String>) -> Self {
        Self::from_bytes(secret.into().into_bytes())
    }

    /// Creates a key from these bytes, as they are. A `Vec` is moved in without a copy.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: Zeroizing::new(bytes.into()),
            prepared: OnceBox::new(),
        }
    }

    /// Returns the first eight hex digits, in lower case, of the SHA-256 of the key's bytes.
    ///
    /// It identifies a key in logs without revealing it, provided that the key is random enough not
    /// to be guessed.
    pub fn fingerprint(&self) -> String {
        let mut digits = base16ct::lower::encode_string(&Sha256::digest(&*self.bytes));
        digits.truncate(FINGERPRINT_DIGITS);
        digits
    }

    /// Computes the HMAC-SHA256 of the message `parts` under this key.
    pub(crate) fn tag(&self, parts: &[&[u8]]) -> Tag {
        self.prepared
            .get_or_init(|| Box::new(PreparedKey::new(&self.bytes)))
            .tag(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_and_its_utf8_bytes_are_the_same_key() {
        assert_eq!(
            *Key::from_text("schlüssel").bytes,
            *Key::from_bytes("schlüssel".as_bytes()).bytes
        );
    }

    #[test]
    fn an_owned_secret_is_not_copied() {
        let secret = String::from("RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz");
        let before = secret.as_ptr();
        assert_eq!(Key::from_text(secret).bytes.as_ptr(), before);
    }

    #[test]
    fn the_fingerprint_is_the_start_of_the_sha256() {
        // FIPS 180-2, appendix B.1: SHA-256 of `abc`.
        assert_eq!(Key::from_text("abc").fingerprint(), "ba7816bf");
        assert_eq!(Key::from_text("").fingerprint(), "e3b0c442");
    }

    #[test]
    fn a_key_is_zeroed_on_drop() {
        fn zeroes_on_drop<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        zeroes_on_drop(&Key::from_text("secret").bytes);
    }
}
