//! The reasons why a message cannot be signed.

use core::error::Error;
use core::fmt;

use crate::{Fault, Scheme};

/// The reason why a message was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignError {
    /// A receiver would reject the id.
    Id(Fault),
    /// The scheme cannot represent the timestamp.
    Timestamp(Fault),
    /// None of the keys can sign in the scheme.
    NoKey(Scheme),
}

impl SignError {
    /// Returns a stable code to branch on: lower-case words joined by hyphens.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Id(_) => "bad-id",
            Self::Timestamp(_) => "bad-timestamp",
            Self::NoKey(_) => "no-key",
        }
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(fault) => write!(f, "the message's id cannot be signed: {fault}"),
            Self::Timestamp(fault) => {
                write!(f, "the message's timestamp cannot be signed: {fault}")
            }
            Self::NoKey(scheme) => write!(f, "no key signs for scheme `{}`", scheme.name()),
        }
    }
}

impl Error for SignError {}
