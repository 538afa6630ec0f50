//! Conversion of the faults of headers and keys.

use alloc::borrow::ToOwned;
use alloc::string::ToString;

use webhook_signature::{CredentialError, Fault as CoreFault};

use crate::world::signatures::types::{Fault, KeyFault};

impl From<CoreFault> for Fault {
    fn from(fault: CoreFault) -> Self {
        match fault {
            CoreFault::Repeated => Self::Repeated,
            CoreFault::Empty => Self::Empty,
            CoreFault::Huge { max } => Self::Huge(number(max)),
            CoreFault::NotAscii { index } => Self::NotAscii(number(index)),
            CoreFault::IdForm => Self::IdForm,
            CoreFault::TimestampForm => Self::TimestampForm,
            CoreFault::NoSuchTime => Self::NoSuchTime,
            CoreFault::OutOfRange => Self::OutOfRange,
            CoreFault::NoVersion => Self::NoVersion,
            CoreFault::NotBase64 => Self::NotBase64,
            CoreFault::OddLength => Self::OddLength,
            CoreFault::Truncated => Self::Truncated,
            CoreFault::TooLong => Self::TooLong,
            CoreFault::NotHex { index } => Self::NotHex(number(index)),
            // The crate may add faults that the interface has no case for.
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<CredentialError> for KeyFault {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Empty => Self::Empty,
            CredentialError::WhiteSpace => Self::WhiteSpace,
            CredentialError::ByteOrderMark => Self::ByteOrderMark,
            CredentialError::Quotes => Self::Quotes,
            CredentialError::Version => Self::Version,
            CredentialError::Prefix { meant } => Self::Prefix(meant.to_owned()),
            CredentialError::NotBase64 => Self::NotBase64,
            CredentialError::TooShort => Self::TooShort,
            CredentialError::TooLong => Self::TooLong,
            CredentialError::NotAKey => Self::NotAKey,
            CredentialError::NoEd25519 => Self::NoEd25519,
            other => Self::Other(other.to_string()),
        }
    }
}

/// Converts a length. Headers are far shorter than 32 bits allow.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
