//! ed25519 (RFC 8032), the algorithm of `v1a`.

use alloc::vec::Vec;

use ed25519_dalek::{Signature, Signer};
use zeroize::Zeroizing;

use crate::small_list::SmallList;

/// The number of bytes of a signature.
pub(crate) const SIGNATURE_BYTES: usize = ed25519_dalek::SIGNATURE_LENGTH;

/// The number of bytes of a seed, and of a public key.
pub(crate) const KEY_BYTES: usize = 32;

/// A secret key, which is overwritten with zeros on drop.
pub(crate) struct SigningKey(ed25519_dalek::SigningKey);

/// A public key that is on the curve and not weak (under a weak key, any message verifies).
pub(crate) struct PublicKey(ed25519_dalek::VerifyingKey);

impl SigningKey {
    pub(crate) fn from_seed(seed: &[u8; KEY_BYTES]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Creates a key from a seed and its public key, if the two belong together.
    pub(crate) fn from_pair(pair: &[u8; 2 * KEY_BYTES]) -> Option<Self> {
        ed25519_dalek::SigningKey::from_keypair_bytes(pair)
            .ok()
            .map(Self)
    }

    /// Returns the seed and its public key.
    pub(crate) fn to_pair(&self) -> Zeroizing<[u8; 2 * KEY_BYTES]> {
        Zeroizing::new(self.0.to_keypair_bytes())
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, parts: &[&[u8]]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(&joined(parts)).to_bytes()
    }
}

impl PublicKey {
    pub(crate) fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Option<Self> {
        ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .ok()
            .filter(|key| !key.is_weak())
            .map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.as_bytes()
    }

    /// Returns true if one of `signatures` is valid, by the strict rules: a signature that only some
    /// libraries accept is rejected.
    pub(crate) fn verifies_any(
        &self,
        parts: &[&[u8]],
        signatures: &SmallList<SIGNATURE_BYTES>,
    ) -> bool {
        if signatures.is_empty() {
            return false;
        }
        let message = joined(parts);
        signatures
            .iter()
            .map(Signature::from_bytes)
            .any(|signature| self.0.verify_strict(&message, &signature).is_ok())
    }
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}
