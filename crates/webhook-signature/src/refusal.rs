//! The reasons for rejecting a request.

use core::error::Error;
use core::fmt;

/// The reason for rejecting a request, in any scheme.
///
/// Neither the variants nor their text contain a key, a tag or a part of the body, so both may be
/// returned to the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The header with this name is missing.
    MissingHeader(&'static str),
    /// A header does not have the form that its scheme requires.
    MalformedHeader {
        /// The header's name.
        header: &'static str,
        /// The fault in its value.
        fault: Fault,
    },
    /// The header with this name is well-formed, but has no signature of a known kind.
    UnknownScheme(&'static str),
    /// The signed timestamp is further in the past than the tolerance.
    TooOld,
    /// The signed timestamp is further in the future than the tolerance.
    TooNew,
    /// The tag belongs to another body, another key or other headers.
    NoMatch,
}

/// The fault in a malformed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The header occurs more than once.
    Repeated,
    /// The value is empty.
    Empty,
    /// The value is longer than the limit.
    Huge {
        /// The limit in bytes.
        max: usize,
    },
    /// A byte of the value is not printable ASCII.
    NotAscii {
        /// The index of the byte, counted from 0.
        index: usize,
    },
    /// The id contains a full stop or a space.
    IdForm,
    /// The timestamp has no format that its scheme knows.
    TimestampForm,
    /// The timestamp is well-formed, but the date or time does not exist.
    NoSuchTime,
    /// The timestamp is too large a number.
    OutOfRange,
    /// An entry of the list is not a version, a comma and a signature.
    NoVersion,
    /// A signature is not padded standard base64.
    NotBase64,
    /// The timestamp is in milliseconds.
    Milliseconds,
    /// The name of an algorithm precedes the digits of the tag.
    Algorithm,
    /// The number of hex digits is odd.
    OddLength,
    /// The tag is too short.
    Truncated,
    /// The tag is too long.
    TooLong,
    /// A byte of the tag is not a hex digit.
    NotHex {
        /// The index of the byte, counted from 0.
        index: usize,
    },
}

impl Refusal {
    /// Returns a stable code to branch on: lower-case words joined by hyphens.
    ///
    /// ```
    /// assert_eq!(webhook_signature::Refusal::NoMatch.code(), "no-match");
    /// ```
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader(_) => "missing-header",
            Self::MalformedHeader { .. } => "malformed-header",
            Self::UnknownScheme(_) => "unknown-scheme",
            Self::TooOld => "too-old",
            Self::TooNew => "too-new",
            Self::NoMatch => "no-match",
        }
    }
}

impl Fault {
    /// Returns a stable code to branch on: lower-case words joined by hyphens.
    ///
    /// ```
    /// assert_eq!(webhook_signature::Fault::Repeated.code(), "repeated");
    /// ```
    pub fn code(&self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Empty => "empty",
            Self::Huge { .. } => "huge",
            Self::NotAscii { .. } => "not-ascii",
            Self::IdForm => "id-form",
            Self::TimestampForm => "timestamp-form",
            Self::NoSuchTime => "no-such-time",
            Self::OutOfRange => "out-of-range",
            Self::NoVersion => "no-version",
            Self::NotBase64 => "not-base64",
            Self::Milliseconds => "milliseconds",
            Self::Algorithm => "algorithm",
            Self::OddLength => "odd-length",
            Self::Truncated => "truncated",
            Self::TooLong => "too-long",
            Self::NotHex { .. } => "not-hex",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingHeader(header) => write!(f, "header `{header}` is missing"),
            Self::MalformedHeader { header, fault } => {
                write!(f, "header `{header}` is malformed: {fault}")
            }
            Self::UnknownScheme(header) => {
                write!(f, "header `{header}` has no signature of a known version")
            }
            Self::TooOld => f.write_str("the signature is too old"),
            Self::TooNew => f.write_str("the signature is dated in the future"),
            Self::NoMatch => f.write_str("the signature does not match"),
        }
    }
}

impl Error for Refusal {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated => f.write_str("it occurs more than once"),
            Self::Empty => f.write_str("it is empty"),
            Self::Huge { max } => write!(f, "it is longer than {max} bytes"),
            Self::NotAscii { index } => write!(f, "byte {index} is not printable ASCII"),
            Self::IdForm => f.write_str("the id contains a full stop or a space"),
            Self::TimestampForm => f.write_str("the timestamp has an unknown format"),
            Self::NoSuchTime => f.write_str("the date or time does not exist"),
            Self::OutOfRange => f.write_str("the timestamp is too large"),
            Self::NoVersion => f.write_str("an entry is not a version, a comma and a signature"),
            Self::NotBase64 => f.write_str("the signature is not standard base64"),
            Self::Milliseconds => f.write_str("the timestamp is in milliseconds, not seconds"),
            Self::Algorithm => {
                f.write_str("the tag has a prefix such as `sha256=`; only hex digits are valid")
            }
            Self::OddLength => f.write_str("the tag has an odd number of hex digits"),
            Self::Truncated => f.write_str("the tag is too short"),
            Self::TooLong => f.write_str("the tag is too long"),
            Self::NotHex { index } => write!(f, "byte {index} of the tag is not a hex digit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const REFUSALS: [(Refusal, &str, &str); 6] = [
        (
            Refusal::MissingHeader("X-Signature"),
            "missing-header",
            "header `X-Signature` is missing",
        ),
        (
            malformed(Fault::OddLength),
            "malformed-header",
            "header `X-Signature` is malformed: the tag has an odd number of hex digits",
        ),
        (
            Refusal::UnknownScheme("webhook-signature"),
            "unknown-scheme",
            "header `webhook-signature` has no signature of a known version",
        ),
        (Refusal::TooOld, "too-old", "the signature is too old"),
        (
            Refusal::TooNew,
            "too-new",
            "the signature is dated in the future",
        ),
        (Refusal::NoMatch, "no-match", "the signature does not match"),
    ];

    const FAULTS: [(Fault, &str, &str); 16] = [
        (Fault::Repeated, "repeated", "it occurs more than once"),
        (Fault::Empty, "empty", "it is empty"),
        (
            Fault::Huge { max: 2048 },
            "huge",
            "it is longer than 2048 bytes",
        ),
        (
            Fault::NotAscii { index: 7 },
            "not-ascii",
            "byte 7 is not printable ASCII",
        ),
        (
            Fault::IdForm,
            "id-form",
            "the id contains a full stop or a space",
        ),
        (
            Fault::TimestampForm,
            "timestamp-form",
            "the timestamp has an unknown format",
        ),
        (
            Fault::NoSuchTime,
            "no-such-time",
            "the date or time does not exist",
        ),
        (
            Fault::OutOfRange,
            "out-of-range",
            "the timestamp is too large",
        ),
        (
            Fault::NoVersion,
            "no-version",
            "an entry is not a version, a comma and a signature",
        ),
        (
            Fault::NotBase64,
            "not-base64",
            "the signature is not standard base64",
        ),
        (
            Fault::Milliseconds,
            "milliseconds",
            "the timestamp is in milliseconds, not seconds",
        ),
        (
            Fault::Algorithm,
            "algorithm",
            "the tag has a prefix such as `sha256=`; only hex digits are valid",
        ),
        (
            Fault::OddLength,
            "odd-length",
            "the tag has an odd number of hex digits",
        ),
        (Fault::Truncated, "truncated", "the tag is too short"),
        (Fault::TooLong, "too-long", "the tag is too long"),
        (
            Fault::NotHex { index: 7 },
            "not-hex",
            "byte 7 of the tag is not a hex digit",
        ),
    ];

    const fn malformed(fault: Fault) -> Refusal {
        Refusal::MalformedHeader {
            header: "X-Signature",
            fault,
        }
    }

    #[test]
    fn every_refusal_has_a_stable_code_and_text() {
        for (refusal, code, text) in REFUSALS {
            assert_eq!(refusal.code(), code);
            assert_eq!(refusal.to_string(), text);
        }
    }

    #[test]
    fn every_fault_has_a_stable_code_and_text() {
        for (fault, code, text) in FAULTS {
            assert_eq!(fault.code(), code);
            assert_eq!(fault.to_string(), text);
        }
    }
}
