//! Generation of new secrets from random bytes that the caller provides.
//!
//! The bytes must come from a cryptographically secure generator (the operating system's); this
//! module cannot check that. The secret texts are overwritten with zeros when they are dropped.

use alloc::string::String;

use zeroize::Zeroizing;

use crate::CredentialError;
use crate::base64;
use crate::credential::{MAX_SECRET_BYTES, MIN_SECRET_BYTES};
#[cfg(feature = "v1a")]
use crate::ed25519::{KEY_BYTES, SigningKey};
use crate::prefix::SHARED;
#[cfg(feature = "v1a")]
use crate::prefix::{PUBLIC, SIGNING};

/// Returns a new shared secret: `whsec_` and the base64 of `random`.
///
/// ```
/// let random = [0; 24]; // Use random bytes here.
/// let secret = webhook_signature::generate::shared(&random)?;
/// assert_eq!(*secret, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
/// # Ok::<(), webhook_signature::CredentialError>(())
/// ```
///
/// # Errors
///
/// Returns [`CredentialError::TooShort`] below 24 bytes, and [`CredentialError::TooLong`] above 64.
pub fn shared(random: &[u8]) -> Result<Zeroizing<String>, CredentialError> {
    match random.len() {
        ..MIN_SECRET_BYTES => Err(CredentialError::TooShort),
        MIN_SECRET_BYTES..=MAX_SECRET_BYTES => Ok(prefixed(SHARED, random)),
        _ => Err(CredentialError::TooLong),
    }
}

/// Returns a new ed25519 pair: the secret half as `whsk_` text, and the public half as `whpk_` text.
#[cfg(feature = "v1a")]
pub fn pair(random: &[u8; KEY_BYTES]) -> (Zeroizing<String>, String) {
    let key = SigningKey::from_seed(random);
    let public = [PUBLIC, &base64::encode(key.public().bytes())].concat();
    (prefixed(SIGNING, &*key.to_pair()), public)
}

fn prefixed(prefix: &str, secret: &[u8]) -> Zeroizing<String> {
    let encoded = Zeroizing::new(base64::encode(secret));
    Zeroizing::new([prefix, &encoded].concat())
}
