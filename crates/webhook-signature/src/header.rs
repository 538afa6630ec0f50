//! The headers that the schemes use: their names and the form of their values.

use crate::{Fault, Refusal};

/// The maximum length of a header value in bytes.
///
/// It bounds the work that a stranger can cause: a signature list of this length has more entries
/// than any rotation needs.
pub const MAX_HEADER_BYTES: usize = 2048;

/// A header of any scheme. Its number is its index in [`NAMES`] and in a request.
#[derive(Clone, Copy)]
pub(crate) enum HeaderName {
    StandardSignature,
    StandardId,
    StandardTimestamp,
    WssSignature,
    WssPrevious,
    WssTimestamp,
    Plain,
    /// Part of no scheme; it shows that a sender uses the headers of Svix.
    Svix,
}

const ALL: [HeaderName; HeaderName::COUNT] = [
    HeaderName::StandardSignature,
    HeaderName::StandardId,
    HeaderName::StandardTimestamp,
    HeaderName::WssSignature,
    HeaderName::WssPrevious,
    HeaderName::WssTimestamp,
    HeaderName::Plain,
    HeaderName::Svix,
];

const NAMES: [&str; HeaderName::COUNT] = [
    "webhook-signature",
    "webhook-id",
    "webhook-timestamp",
    "X-WSS-Signature",
    "X-WSS-Signature-Previous",
    "X-WSS-Timestamp",
    "X-Signature",
    "svix-signature",
];

impl HeaderName {
    pub(crate) const COUNT: usize = 8;

    /// Finds the header with this name, ignoring case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let mut known = ALL.iter().zip(&NAMES);
        let found = known.find(|(_, known)| known.eq_ignore_ascii_case(name));
        found.map(|(header, _)| *header)
    }

    pub(crate) const fn text(self) -> &'static str {
        NAMES[self as usize]
    }

    pub(crate) fn malformed(self, fault: Fault) -> Refusal {
        Refusal::MalformedHeader {
            header: self.text(),
            fault,
        }
    }
}

/// Returns the text of a header's value: not empty, bounded and printable ASCII.
pub(crate) fn text(value: &[u8]) -> Result<&str, Fault> {
    if value.is_empty() {
        return Err(Fault::Empty);
    }
    if value.len() > MAX_HEADER_BYTES {
        return Err(Fault::Huge {
            max: MAX_HEADER_BYTES,
        });
    }
    let printable = |byte: &u8| matches!(byte, b' '..=b'~');
    // Without an early exit the compiler can vectorize the loop.
    let all_printable = value.iter().fold(true, |all, byte| all & printable(byte));
    match core::str::from_utf8(value) {
        Ok(text) if all_printable => Ok(text),
        _ => Err(Fault::NotAscii {
            index: value.iter().take_while(|byte| printable(byte)).count(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_has_the_number_of_its_name() {
        for (number, (header, name)) in ALL.into_iter().zip(NAMES).enumerate() {
            assert_eq!(header as usize, number);
            assert_eq!(header.text(), name);
        }
    }
}
