//! Signing keys.

use rand::CryptoRng;
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};

/// The number of characters of a new key, each one of 62: 214 bits.
const LENGTH: usize = 36;

/// The secret that a consumer and the producer share. It has no `Debug`, because it is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(String);

impl SigningKey {
    /// Generates a key: 36 characters, each drawn uniformly from `A-Z`, `a-z` and `0-9`.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Alphanumeric.sample_string(rng, LENGTH))
    }

    /// Creates a key from its stored text.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// Returns the key itself. It may only go into a handshake, the response to its registration, the
    /// store and the signer.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Returns the first eight hexadecimal digits of the key's SHA-256, which identify the key in logs
    /// without revealing it.
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
