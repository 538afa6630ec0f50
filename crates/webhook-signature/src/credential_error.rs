//! The reasons why a text is not a credential.

use core::error::Error;
use core::fmt;

use crate::base64::Base64Error;

/// The reason why a text is not a [`Credential`](crate::Credential). It contains no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialError {
    /// The text is empty.
    Empty,
    /// The text begins or ends with white space or a zero-width character.
    WhiteSpace,
    /// The text begins or ends with a byte order mark.
    ByteOrderMark,
    /// The text is in quotes.
    Quotes,
    /// The text begins with the version of a signature (`v1,` or `v1a,`), which no secret has.
    Version,
    /// A prefix is not in lower case, or is not at the start.
    Prefix {
        /// The prefix that was probably meant.
        meant: &'static str,
    },
    /// The text behind the prefix is not padded standard base64.
    NotBase64,
    /// The base64 decodes to too few bytes.
    TooShort,
    /// The base64 decodes to too many bytes.
    TooLong,
    /// The bytes are not an ed25519 key, or the two halves of a pair do not belong together.
    NotAKey,
    /// The text is an ed25519 key, and this build has no ed25519 support.
    NoEd25519,
}

impl CredentialError {
    /// Returns a stable code to branch on: lower-case words joined by hyphens.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::WhiteSpace => "white-space",
            Self::ByteOrderMark => "byte-order-mark",
            Self::Quotes => "quotes",
            Self::Version => "version",
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
            Self::WhiteSpace => {
                f.write_str("the secret begins or ends with white space or an invisible character")
            }
            Self::ByteOrderMark => f.write_str("the secret begins or ends with a byte order mark"),
            Self::Quotes => f.write_str("the secret is in quotes, which are not part of it"),
            Self::Version => f.write_str(
                "the secret begins with `v1,` or `v1a,`, the version of a signature; leave it out",
            ),
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
