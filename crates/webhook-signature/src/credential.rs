//! Keys as they are issued: text whose prefix states the kind of key.

#[cfg(feature = "v1a")]
use alloc::boxed::Box;
use alloc::string::String;

use zeroize::Zeroizing;

use crate::base64;
#[cfg(feature = "v1a")]
use crate::ed25519::{KEY_BYTES, PublicKey, SigningKey};
use crate::prefix::{PUBLIC, SHARED, SIGNING};
use crate::{CredentialError, Key, near_miss};

/// The minimum number of bytes of a secret behind `whsec_`.
pub const MIN_SECRET_BYTES: usize = 24;
/// The maximum number of bytes of a secret behind `whsec_`.
pub const MAX_SECRET_BYTES: usize = 64;

/// A shared secret, or one half of an ed25519 pair, parsed from the text that was issued.
///
/// | text | signs | verifies |
/// |---|---|---|
/// | `whsec_` + base64 of 24 to 64 bytes | `plain`, `wss`, `v1` | `plain`, `wss`, `v1` |
/// | any other text | `plain`, `wss`, `v1` | `plain`, `wss`, `v1` |
/// | `whsk_` + base64 of seed and public key, or of the seed | `v1a` | `v1a` |
/// | `whpk_` + base64 of the public key | nothing | `v1a` |
///
/// The last two need the feature `v1a`. A near miss is rejected, because it would be a different key
/// from the one that was issued (and a misspelt `whpk_` text would be a shared secret that is
/// public): white space, an invisible character or a byte order mark at either end, quotes around
/// the text, the version of a signature before it (`v1,`), and a prefix in another case or not at
/// the start.
///
/// Like a [`Key`], a credential has neither `Debug` nor `Display`, and it is overwritten with zeros
/// when it is dropped.
pub struct Credential(Kind);

pub(crate) enum Kind {
    Shared(Shared),
    #[cfg(feature = "v1a")]
    /// Boxed, so that moving the credential leaves no copy of the seed behind.
    Signing(Box<SigningKey>),
    #[cfg(feature = "v1a")]
    Public(PublicKey),
}

/// A secret that sender and receiver share.
pub(crate) struct Shared {
    /// The UTF-8 bytes of the text.
    written: Key,
    /// The bytes behind `whsec_`, if the text has this prefix.
    decoded: Option<Key>,
}

impl Shared {
    /// Returns the key of `plain` and `wss`.
    pub(crate) fn written(&self) -> &Key {
        &self.written
    }

    /// Returns the key of `v1`.
    pub(crate) fn decoded(&self) -> &Key {
        self.decoded.as_ref().unwrap_or(&self.written)
    }
}

impl Credential {
    /// Parses a credential. A `String` is moved in and overwritten on drop; a `&str` is copied, and
    /// erasing the original is up to the caller.
    ///
    /// ```
    /// use webhook_signature::{Credential, CredentialError};
    ///
    /// assert!(Credential::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok());
    /// assert!(Credential::parse("RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz").is_ok());
    ///
    /// let error = Credential::parse("whsec_c2hvcnQ=").err();
    /// assert_eq!(error, Some(CredentialError::TooShort));
    ///
    /// let error = Credential::parse("v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").err();
    /// assert_eq!(error, Some(CredentialError::Version));
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a [`CredentialError`], which contains no part of the text.
    pub fn parse(text: impl Into<String>) -> Result<Self, CredentialError> {
        let mut text = Zeroizing::new(text.into());
        near_miss::check_credential(&text)?;
        if let Some(encoded) = text.strip_prefix(SHARED) {
            let decoded = Some(secret(encoded)?);
            let written = Key::from_text(core::mem::take(&mut *text));
            return Ok(Self(Kind::Shared(Shared { written, decoded })));
        }
        if let Some(encoded) = text.strip_prefix(SIGNING) {
            return signing(encoded).map(Self);
        }
        if let Some(encoded) = text.strip_prefix(PUBLIC) {
            return public(encoded).map(Self);
        }
        Ok(Key::from_text(core::mem::take(&mut *text)).into())
    }

    /// Returns the first eight hex digits of a SHA-256, for logs: of the text of a shared secret, or
    /// of the bytes of the public key, so that both halves of a pair have the same fingerprint.
    pub fn fingerprint(&self) -> String {
        match &self.0 {
            Kind::Shared(secret) => secret.written().fingerprint(),
            #[cfg(feature = "v1a")]
            Kind::Signing(key) => fingerprint(&key.public()),
            #[cfg(feature = "v1a")]
            Kind::Public(key) => fingerprint(key),
        }
    }

    /// Returns the text for receivers: `whpk_` and the public key. A shared secret has none.
    ///
    /// ```
    /// # #[cfg(feature = "v1a")] {
    /// # use webhook_signature::Credential;
    /// let key = Credential::parse("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==").unwrap();
    /// assert_eq!(key.public_text().unwrap(), "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    /// # }
    /// ```
    #[cfg(feature = "v1a")]
    pub fn public_text(&self) -> Option<String> {
        let text = |key: &PublicKey| [PUBLIC, &base64::encode(key.bytes())].concat();
        match &self.0 {
            Kind::Shared(_) => None,
            Kind::Signing(key) => Some(text(&key.public())),
            Kind::Public(key) => Some(text(key)),
        }
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }

    /// Returns the key of `plain` and `wss`, if this is a shared secret.
    pub(crate) fn written(&self) -> Option<&Key> {
        match &self.0 {
            Kind::Shared(secret) => Some(secret.written()),
            #[cfg(feature = "v1a")]
            Kind::Signing(_) | Kind::Public(_) => None,
        }
    }
}

/// Uses the bytes of the key as they are, as a shared secret in every scheme.
impl From<Key> for Credential {
    fn from(key: Key) -> Self {
        Self(Kind::Shared(Shared {
            written: key,
            decoded: None,
        }))
    }
}

fn secret(encoded: &str) -> Result<Key, CredentialError> {
    let mut buffer = Zeroizing::new([0; base64::BUFFER_BYTES]);
    match base64::decode(encoded, MAX_SECRET_BYTES, &mut buffer)? {
        bytes if bytes.len() < MIN_SECRET_BYTES => Err(CredentialError::TooShort),
        bytes => Ok(Key::from_bytes(bytes)),
    }
}

#[cfg(feature = "v1a")]
fn signing(encoded: &str) -> Result<Kind, CredentialError> {
    let mut buffer = Zeroizing::new([0; base64::BUFFER_BYTES]);
    let bytes = base64::decode(encoded, 2 * KEY_BYTES, &mut buffer)?;
    if let Ok(seed) = bytes.try_into() {
        return Ok(signing_kind(SigningKey::from_seed(seed)));
    }
    let pair = bytes.try_into().map_err(|_| CredentialError::TooShort)?;
    SigningKey::from_pair(pair)
        .map(signing_kind)
        .ok_or(CredentialError::NotAKey)
}

#[cfg(feature = "v1a")]
fn signing_kind(key: SigningKey) -> Kind {
    Kind::Signing(Box::new(key))
}

#[cfg(feature = "v1a")]
fn public(encoded: &str) -> Result<Kind, CredentialError> {
    let bytes = base64::decode_exactly(encoded)?;
    PublicKey::from_bytes(&bytes)
        .map(Kind::Public)
        .ok_or(CredentialError::NotAKey)
}

#[cfg(not(feature = "v1a"))]
fn signing(_: &str) -> Result<Kind, CredentialError> {
    Err(CredentialError::NoEd25519)
}

#[cfg(not(feature = "v1a"))]
fn public(_: &str) -> Result<Kind, CredentialError> {
    Err(CredentialError::NoEd25519)
}

#[cfg(feature = "v1a")]
fn fingerprint(key: &PublicKey) -> String {
    Key::from_bytes(*key.bytes()).fingerprint()
}
