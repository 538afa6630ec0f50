//! Why a request was not accepted.

use core::error::Error;
use core::fmt;

/// Why a request was not accepted, whichever scheme it was signed with.
///
/// Neither the variants nor their text hold a key, a tag or a part of the body: both may be shown
/// to the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The header of this name is not there.
    MissingHeader(&'static str),
    /// A header is there and does not have the form its scheme asks for.
    MalformedHeader {
        /// The header's name.
        header: &'static str,
        /// What is wrong with its value.
        fault: Fault,
    },
    /// The header of this name is well-formed and carries no signature of a kind known here.
    UnknownScheme(&'static str),
    /// The signed timestamp lies further in the past than the receiver tolerates.
    TooOld,
    /// The signed timestamp lies further in the future than the receiver tolerates.
    TooNew,
    /// The tag belongs to another body, another key or other headers.
    NoMatch,
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The header is there more than once.
    Repeated,
    /// The value has no byte.
    Empty,
    /// The value is longer than any that is looked into.
    Huge {
        /// The bytes that are looked into.
        max: usize,
    },
    /// A byte of the value is not printable ASCII.
    NotAscii {
        /// Which one, counted from 0.
        index: usize,
    },
    /// The id has a full stop or a space in it.
    IdForm,
    /// The time is not written in a form that its scheme knows.
    TimestampForm,
    /// The time is well written, and no clock ever shows it.
    NoSuchTime,
    /// The time is too large a number.
    OutOfRange,
    /// An entry of the list is not a version, a comma and a signature.
    NoVersion,
    /// A signature is not standard base64, padded.
    NotBase64,
    /// The time is in milliseconds.
    Milliseconds,
    /// The name of an algorithm stands before the digits of the tag.
    Algorithm,
    /// Hex digits come in pairs, and one is left over.
    OddLength,
    /// The tag ends before its last byte.
    Truncated,
    /// There is more than a tag.
    TooLong,
    /// A byte of the tag is not a hex digit.
    NotHex {
        /// Which one, counted from 0.
        index: usize,
    },
}

impl Refusal {
    /// A code to branch on, of lower-case words joined by hyphens. It stays the same for good.
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
    /// A code to branch on, of lower-case words joined by hyphens. It stays the same for good.
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
                write!(f, "header `{header}` carries no signature of a known kind")
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
            Self::Repeated => f.write_str("it is there more than once"),
            Self::Empty => f.write_str("it is empty"),
            Self::Huge { max } => write!(f, "it is longer than {max} bytes"),
            Self::NotAscii { index } => write!(f, "byte {index} is not printable ASCII"),
            Self::IdForm => f.write_str("the id has a full stop or a space in it"),
            Self::TimestampForm => f.write_str("the time is not written in a known form"),
            Self::NoSuchTime => f.write_str("the time is on no calendar"),
            Self::OutOfRange => f.write_str("the time is too large a number"),
            Self::NoVersion => f.write_str("an entry is not a version, a comma and a signature"),
            Self::NotBase64 => f.write_str("the signature is not standard base64"),
            Self::Milliseconds => {
                f.write_str("the time is in milliseconds and is counted in seconds")
            }
            Self::Algorithm => f.write_str(
                "a prefix such as `sha256=` stands before the tag, which is hex digits alone",
            ),
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
            "header `webhook-signature` carries no signature of a known kind",
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
        (Fault::Repeated, "repeated", "it is there more than once"),
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
            "the id has a full stop or a space in it",
        ),
        (
            Fault::TimestampForm,
            "timestamp-form",
            "the time is not written in a known form",
        ),
        (
            Fault::NoSuchTime,
            "no-such-time",
            "the time is on no calendar",
        ),
        (
            Fault::OutOfRange,
            "out-of-range",
            "the time is too large a number",
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
            "the time is in milliseconds and is counted in seconds",
        ),
        (
            Fault::Algorithm,
            "algorithm",
            "a prefix such as `sha256=` stands before the tag, which is hex digits alone",
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
    fn every_refusal_keeps_its_code_and_its_text() {
        for (refusal, code, text) in REFUSALS {
            assert_eq!(refusal.code(), code);
            assert_eq!(refusal.to_string(), text);
        }
    }

    #[test]
    fn every_fault_keeps_its_code_and_its_text() {
        for (fault, code, text) in FAULTS {
            assert_eq!(fault.code(), code);
            assert_eq!(fault.to_string(), text);
        }
    }
}
