//! Why a text is not a credential.

use core::error::Error;
use core::fmt;

use crate::base64::Base64Error;

/// Why a text is not a [`Credential`](crate::Credential). It holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialError {
    /// There is no text.
    Empty,
    /// The text begins almost as it should: white space stands before its prefix, or the prefix is
    /// not in lower case.
    Prefix {
        /// The prefix it resembles.
        meant: &'static str,
    },
    /// What follows the prefix is not standard base64, padded.
    NotBase64,
    /// The base64 is of too few bytes.
    TooShort,
    /// The base64 is of too many bytes.
    TooLong,
    /// The bytes are no ed25519 key, or the two halves of a pair do not belong together.
    NotAKey,
    /// The text is an ed25519 key, and this build has no ed25519.
    NoEd25519,
}

impl CredentialError {
    /// A code to branch on, of lower-case words joined by hyphens. It stays the same for good.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Prefix { .. } => "prefix",
            Self::NotBase64 => "not-base64",
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::NotAKey => "not-a-key",
            Self::NoEd25519 => "no-ed25519",
        }
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the secret is empty"),
            Self::Prefix { meant } => {
                write!(
                    f,
                    "the secret's prefix resembles `{meant}`, which is lower-case and comes first"
                )
            }
            Self::NotBase64 => f.write_str("the secret is not standard base64 behind its prefix"),
            Self::TooShort => f.write_str("the secret has too few bytes"),
            Self::TooLong => f.write_str("the secret has too many bytes"),
            Self::NotAKey => f.write_str("the secret is not a valid ed25519 key"),
            Self::NoEd25519 => f.write_str("ed25519 keys are not supported by this build"),
        }
    }
}

impl Error for CredentialError {}

impl From<Base64Error> for CredentialError {
    fn from(error: Base64Error) -> Self {
        match error {
            Base64Error::Form => Self::NotBase64,
            Base64Error::TooShort => Self::TooShort,
            Base64Error::TooLong => Self::TooLong,
        }
    }
}
