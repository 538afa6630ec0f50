//! A receiver's response, as far as it is kept.

use webhook_model::MAX_RESPONSE_BYTES;

/// The most bytes of a response's body that are read.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The most bytes of a response's head, interim responses (1xx) included.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// A response. Its status alone decides the outcome: a body that is too long or breaks off does not
/// change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// The value of the `Retry-After` header, unparsed.
    pub retry_after: Option<String>,
    /// The first bytes of the body, at most [`MAX_RESPONSE_BYTES`].
    pub body: Vec<u8>,
}

impl Response {
    /// Returns the kept bytes of the body as printable text; `None` for an empty body.
    pub fn text(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.body);
        let readable = text
            .chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c });
        (!text.is_empty()).then(|| truncated(MAX_RESPONSE_BYTES, readable))
    }
}

/// Returns as many of the characters as fit into `bytes`: replacing invalid UTF-8 makes a text longer.
fn truncated(bytes: usize, text: impl Iterator<Item = char>) -> String {
    let mut room = bytes;
    text.take_while(|c| {
        let fits = c.len_utf8() <= room;
        room = room.saturating_sub(c.len_utf8());
        fits
    })
    .collect()
}

/// The body of a response that is being read. Keeps its beginning and counts the rest.
#[derive(Default)]
pub(super) struct BodyExcerpt {
    kept: Vec<u8>,
    read: usize,
}

impl BodyExcerpt {
    /// Adds a part of the body. Returns whether more may be read.
    pub(super) fn push(&mut self, part: &[u8]) -> bool {
        let room = MAX_RESPONSE_BYTES - self.kept.len();
        self.kept.extend(part.iter().take(room));
        self.read = self.read.saturating_add(part.len());
        self.read <= MAX_BODY_BYTES
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &[u8]) -> Response {
        Response {
            status: 200,
            retry_after: None,
            body: body.to_vec(),
        }
    }

    #[test]
    fn the_text_of_a_body_is_printable_and_bounded() {
        assert_eq!(response(b"").text(), None);
        assert_eq!(
            response(b"a\0b\x1b[1m\nc\xff").text().unwrap(),
            "a b [1m\nc\u{fffd}"
        );
        let binary = response(&[0xff; MAX_RESPONSE_BYTES]).text().unwrap();
        assert_eq!(binary.len(), MAX_RESPONSE_BYTES / 3 * 3);
    }

    #[test]
    fn only_the_beginning_of_a_body_is_kept() {
        let mut excerpt = BodyExcerpt::default();
        assert!(excerpt.push(&[b'a'; 200]));
        assert!(excerpt.push(&[b'b'; MAX_BODY_BYTES - 200]));
        assert!(!excerpt.push(b"c"));
        let kept = excerpt.into_bytes();
        assert_eq!(kept.len(), MAX_RESPONSE_BYTES);
        assert_eq!((kept[199], kept[200]), (b'a', b'b'));
    }
}
