//! Signing keys.

use rand::CryptoRng;
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};

/// How many characters a new key has. Each is one of 62, so that a key holds 214 bits.
const LENGTH: usize = 36;

/// The text a consumer and the producer share. There is no `Debug`: a key is never shown by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(String);

impl SigningKey {
    /// A new key: 36 characters, each drawn evenly from `A-Z`, `a-z` and `0-9`.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Alphanumeric.sample_string(rng, LENGTH))
    }

    /// A key as it was kept.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The key itself. It belongs in a handshake, in the answer to its registration, in the store
    /// and in front of the signer; nowhere else.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Eight hexadecimal digits that tell keys apart in a log and say nothing about them: the start
    /// of the key's SHA-256.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        hex::encode(&digest[..4])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_key_is_36_alphanumerics() {
        for _ in 0..100 {
            let key = SigningKey::generate(&mut rand::rng());
            assert_eq!(key.text().len(), 36);
            assert!(key.text().bytes().all(|b| b.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn keys_use_the_whole_alphabet_and_do_not_repeat() {
        let keys: Vec<String> = (0..200)
            .map(|_| SigningKey::generate(&mut rand::rng()).0)
            .collect();
        let letters: HashSet<char> = keys.iter().flat_map(|key| key.chars()).collect();
        assert_eq!(letters.len(), 62);
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
    }

    #[test]
    fn a_fingerprint_is_the_first_eight_digits_of_the_sha_256() {
        let key = SigningKey::from_text("abc".to_owned());
        assert_eq!(key.fingerprint(), "ba7816bf");
    }
}
