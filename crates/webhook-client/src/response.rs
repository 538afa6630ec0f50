//! A receiver's response, as far as it is kept.

use webhook_model::{HeaderBlock, MAX_KEPT_RESPONSE_BYTES, Protocol, ReceivedParts};

/// The most bytes of a response's body that are read.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A body can be kept as far as it is read.
const _: () = assert!(MAX_KEPT_RESPONSE_BYTES <= MAX_BODY_BYTES);

/// The most bytes of a response's head, interim responses (1xx) included.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// A response. Its status alone decides the outcome: a body that is too long or breaks off does not
/// change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// The value of the `Retry-After` header, unparsed.
    pub retry_after: Option<String>,
    pub protocol: Protocol,
    pub headers: HeaderBlock,
    /// The first bytes of the body, as many as the request asks for.
    pub body: Vec<u8>,
    /// The number of bytes of the body that were read.
    pub body_bytes: usize,
}

impl Response {
    /// Returns the parts that an attempt records.
    pub fn parts(&self) -> ReceivedParts<'_> {
        ReceivedParts {
            protocol: self.protocol,
            headers: &self.headers,
            body: &self.body,
            body_bytes: self.body_bytes as u64,
        }
    }
}

/// The body of a response that is being read. Keeps its beginning and counts the rest.
pub(super) struct BodyExcerpt {
    /// The most bytes that are kept.
    keep: usize,
    kept: Vec<u8>,
    read: usize,
}

impl BodyExcerpt {
    /// Creates an excerpt that keeps the first `keep` bytes.
    pub(super) fn new(keep: usize) -> Self {
        Self {
            keep: keep.min(MAX_BODY_BYTES),
            kept: Vec::new(),
            read: 0,
        }
    }

    /// Adds a part of the body. Returns whether more may be read.
    pub(super) fn push(&mut self, part: &[u8]) -> bool {
        let room = self.keep - self.kept.len();
        let kept = part.get(..room).unwrap_or(part);
        self.kept.extend_from_slice(kept);
        self.read = self.read.saturating_add(part.len());
        self.read <= MAX_BODY_BYTES
    }

    /// Returns the kept bytes, and the number of bytes that were read.
    pub(super) fn into_parts(self) -> (Vec<u8>, usize) {
        (self.kept, self.read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_a_body_is_kept() {
        let mut excerpt = BodyExcerpt::new(256);
        assert!(excerpt.push(&[b'a'; 200]));
        assert!(excerpt.push(&[b'b'; MAX_BODY_BYTES - 200]));
        assert!(!excerpt.push(b"c"));
        let (kept, read) = excerpt.into_parts();
        assert_eq!((kept.len(), read), (256, MAX_BODY_BYTES + 1));
        assert_eq!((kept[199], kept[200]), (b'a', b'b'));
    }

    #[test]
    fn nothing_or_everything_of_a_body_can_be_kept() {
        for (keep, kept) in [(0, 0), (usize::MAX, MAX_BODY_BYTES)] {
            let mut excerpt = BodyExcerpt::new(keep);
            assert!(excerpt.push(&[b'a'; MAX_BODY_BYTES]));
            assert_eq!(excerpt.into_parts().0.len(), kept);
        }
    }
}
