//! Secrets, which sign an endpoint's deliveries.

use serde::{Deserialize, Serialize};
use webhook_signature::{Credential, MIN_SECRET_BYTES};
use zeroize::Zeroizing;

use super::Millis;

/// The reason for which a text cannot be a secret. It shows nothing of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error(transparent)]
    Unusable(#[from] webhook_signature::CredentialError),
    #[error("a secret of {0} bytes; at least {MIN_SECRET_BYTES} are required")]
    Short(usize),
}

/// A secret as it was shown to its owner. Zeroed when it is dropped; `Debug` does not show it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secret {
    text: Zeroizing<String>,
    /// The time from which on it no longer signs; `None` for the current secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
}

impl Secret {
    /// Parses a secret. It must be able to sign, and be long enough.
    ///
    /// # Errors
    ///
    /// A [`SecretError`].
    pub fn new(text: impl Into<String>) -> Result<Self, SecretError> {
        let text = Zeroizing::new(text.into());
        Credential::parse(text.as_str())?;
        // `parse` has checked the length of prefixed ones, which are longer than that.
        if text.len() < MIN_SECRET_BYTES {
            return Err(SecretError::Short(text.len()));
        }
        Ok(Self {
            text,
            expires_at: None,
        })
    }

    /// Sets the time until which the secret signs.
    pub fn expiring(self, at: Millis) -> Self {
        Self {
            expires_at: Some(at),
            ..self
        }
    }

    /// Returns the credential that signs.
    ///
    /// # Errors
    ///
    /// For a text that [`Secret::new`] would have rejected.
    pub fn credential(&self) -> Result<Credential, webhook_signature::CredentialError> {
        Credential::parse(self.text.as_str())
    }

    /// Returns the text, for the one response that shows it.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        *self.text == *other.text && self.expires_at == other.expires_at
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}
