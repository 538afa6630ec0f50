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

/// What is wrong with a header's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
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
    /// assert_eq!(signature::Refusal::NoMatch.code(), "no-match");
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

    const CASES: [(Refusal, &str, &str); 9] = [
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
            malformed(Fault::Truncated),
            "malformed-header",
            "header `X-Signature` is malformed: the tag is too short",
        ),
        (
            malformed(Fault::TooLong),
            "malformed-header",
            "header `X-Signature` is malformed: the tag is too long",
        ),
        (
            malformed(Fault::NotHex { index: 7 }),
            "malformed-header",
            "header `X-Signature` is malformed: byte 7 of the tag is not a hex digit",
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

    const fn malformed(fault: Fault) -> Refusal {
        Refusal::MalformedHeader {
            header: "X-Signature",
            fault,
        }
    }

    #[test]
    fn every_refusal_keeps_its_code_and_its_text() {
        for (refusal, code, text) in CASES {
            assert_eq!(refusal.code(), code);
            assert_eq!(refusal.to_string(), text);
        }
    }
}
