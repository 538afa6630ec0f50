//! The secret both sides share.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use once_cell::race::OnceBox;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::hmac_sha256::Keyed;

/// The hex digits of a fingerprint.
const FINGERPRINT_DIGITS: usize = 8;

/// A secret key, overwritten with zeros when it is dropped.
///
/// Any length will do, the empty key included. A key cannot be printed: it has neither `Debug`
/// nor `Display`, and what a log may show of it is its [`fingerprint`](Key::fingerprint).
///
/// It is worth keeping: what HMAC makes of the key itself is made at the first use and saves the
/// later ones a tenth of the work on 1 KiB.
///
/// ```compile_fail
/// let key = webhook_signature::Key::from_text("secret");
/// println!("{key:?}");
/// ```
pub struct Key {
    bytes: Zeroizing<Vec<u8>>,
    /// Made at the first use and kept for the next ones. It is on the heap, as the bytes are, so
    /// that moving the key leaves nothing behind.
    keyed: OnceBox<Keyed>,
}

impl Key {
    /// The key whose bytes are the UTF-8 bytes of `secret`, exactly as it was handed out.
    ///
    /// A `String` is taken over without a copy, so that nothing of it stays behind in memory; a
    /// `&str` is copied, and its owner has to see to it.
    ///
    /// ```
    /// let key = webhook_signature::Key::from_text("Jefe");
    /// assert_eq!(key.fingerprint(), "005725b4");
    /// ```
    pub fn from_text(secret: impl Into<String>) -> Self {
        Self::from_bytes(secret.into().into_bytes())
    }

    /// The key of these bytes, as they are. A `Vec` is taken over without a copy.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: Zeroizing::new(bytes.into()),
            keyed: OnceBox::new(),
        }
    }

    /// The first eight hex digits, in lower case, of the SHA-256 of the key's bytes.
    ///
    /// For logs: it tells keys apart and does not give them away, provided that they are random
    /// enough not to be guessed.
    pub fn fingerprint(&self) -> String {
        let mut digits = base16ct::lower::encode_string(&Sha256::digest(&*self.bytes));
        digits.truncate(FINGERPRINT_DIGITS);
        digits
    }

    pub(crate) fn keyed(&self) -> &Keyed {
        self.keyed.get_or_init(|| Box::new(Keyed::new(&self.bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_its_utf8_bytes_are_the_same_key() {
        assert_eq!(
            *Key::from_text("schlüssel").bytes,
            *Key::from_bytes("schlüssel".as_bytes()).bytes
        );
    }

    #[test]
    fn a_key_taken_over_is_not_copied() {
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
