//! What an endpoint's deliveries are signed with.

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

/// A secret as it was handed out, overwritten with zeros when it is dropped. It cannot be printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secret {
    text: Zeroizing<String>,
    /// From when on it no longer signs; `None` for the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
}

impl Secret {
    /// The secret of this text, if it can sign and is long enough.
    ///
    /// # Errors
    ///
    /// A [`SecretError`].
    pub fn new(text: impl Into<String>) -> Result<Self, SecretError> {
        let text = Zeroizing::new(text.into());
        Credential::parse(text.as_str())?;
        // The prefixed ones, which `parse` has measured, are longer than that.
        if text.len() < MIN_SECRET_BYTES {
            return Err(SecretError::Short(text.len()));
        }
        Ok(Self {
            text,
            expires_at: None,
        })
    }

    /// The same secret, which signs until that moment.
    pub fn expiring(self, at: Millis) -> Self {
        Self {
            expires_at: Some(at),
            ..self
        }
    }

    /// What signs, ready for use.
    ///
    /// # Errors
    ///
    /// For a text that no [`Secret::new`] let through.
    pub fn credential(&self) -> Result<Credential, webhook_signature::CredentialError> {
        Credential::parse(self.text.as_str())
    }

    /// The text, for the one answer that hands it out.
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
