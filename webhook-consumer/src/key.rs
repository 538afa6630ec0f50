//! The signing key and its fingerprint.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::limits::{KEY_MAX_BYTES, KEY_MIN_BYTES};

/// The UTF-8 bytes of the key text, exactly as the producer handed it out.
///
/// It has no `Debug` and no `Display`, so that it cannot slip into a log; what may be shown is its
/// [`Fingerprint`].
pub struct Key(Vec<u8>);

/// Why a text is no key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Its length is out of bounds.
    #[error(
        "`keyData` has {bytes} bytes, and a key has {min} to {max}",
        min = KEY_MIN_BYTES,
        max = KEY_MAX_BYTES
    )]
    Length {
        /// How many bytes it has.
        bytes: usize,
    },
}

impl Key {
    /// Takes the text of a handshake, which has to be [`KEY_MIN_BYTES`] to [`KEY_MAX_BYTES`] long.
    pub fn from_handshake(text: String) -> Result<Self, KeyError> {
        match text.len() {
            KEY_MIN_BYTES..=KEY_MAX_BYTES => Ok(Self(text.into_bytes())),
            bytes => Err(KeyError::Length { bytes }),
        }
    }

    /// Takes what the store had. It was checked when it was put there.
    pub fn from_store(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to sign with.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What may be shown of the key.
    pub fn fingerprint(&self) -> Fingerprint {
        let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(&self.0).into();
        Fingerprint([a, b, c, d])
    }
}

/// The first four bytes of the key's SHA-256, shown as eight lower-case hexadecimal digits: enough
/// to see which key is meant, of no use in finding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 4]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(bytes: usize) -> Result<usize, KeyError> {
        Key::from_handshake("k".repeat(bytes)).map(|key| key.as_bytes().len())
    }

    #[test]
    fn a_key_within_the_bounds_is_taken_as_it_is() {
        assert_eq!(length(16), Ok(16));
        assert_eq!(length(36), Ok(36));
        assert_eq!(length(256), Ok(256));
    }

    #[test]
    fn a_key_out_of_bounds_is_refused_with_its_length() {
        for bytes in [0, 15, 257] {
            assert_eq!(length(bytes), Err(KeyError::Length { bytes }));
        }
    }

    #[test]
    fn the_length_is_counted_in_bytes() {
        assert!(Key::from_handshake("ä".repeat(128)).is_ok());
        assert!(Key::from_handshake("ä".repeat(129)).is_err());
    }

    // `printf abc | sha256sum` begins so (FIPS 180-2, appendix B.1).
    #[test]
    fn the_fingerprint_is_the_start_of_the_sha_256() {
        let key = Key::from_store(b"abc".to_vec());
        assert_eq!(key.fingerprint().to_string(), "ba7816bf");
    }
}
