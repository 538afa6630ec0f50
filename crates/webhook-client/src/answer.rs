//! What a receiver answered.

use webhook_model::MAX_RESPONSE_BYTES;

/// The most bytes of an answer's body that are read.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The most bytes of an answer's head, interim ones (1xx) included.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// An answer. Its body says nothing about the outcome: one that is too long or breaks off leaves
/// the status as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The `Retry-After` header as it came.
    pub retry_after: Option<String>,
    /// The first bytes of the body, at most [`MAX_RESPONSE_BYTES`].
    pub body: Vec<u8>,
}

impl Answer {
    /// The kept bytes of the body, made readable; `None` for an empty one.
    pub fn text(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.body);
        let readable = text
            .chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c });
        (!text.is_empty()).then(|| within(MAX_RESPONSE_BYTES, readable))
    }
}

/// So many of the characters as fit: replacing what is not UTF-8 makes a text longer.
fn within(bytes: usize, text: impl Iterator<Item = char>) -> String {
    let mut room = bytes;
    text.take_while(|c| {
        let fits = c.len_utf8() <= room;
        room = room.saturating_sub(c.len_utf8());
        fits
    })
    .collect()
}

/// A body being read: keeps its beginning, counts the rest.
#[derive(Default)]
pub(super) struct Reading {
    kept: Vec<u8>,
    read: usize,
}

impl Reading {
    /// Takes a part; answers whether there may be more.
    pub(super) fn take(&mut self, part: &[u8]) -> bool {
        let room = MAX_RESPONSE_BYTES - self.kept.len();
        self.kept.extend(part.iter().take(room));
        self.read = self.read.saturating_add(part.len());
        self.read <= MAX_BODY_BYTES
    }

    pub(super) fn kept(self) -> Vec<u8> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &[u8]) -> Answer {
        Answer {
            status: 200,
            retry_after: None,
            body: body.to_vec(),
        }
    }

    #[test]
    fn what_is_kept_of_a_body_is_readable_and_bounded() {
        assert_eq!(answer(b"").text(), None);
        assert_eq!(
            answer(b"a\0b\x1b[1m\nc\xff").text().unwrap(),
            "a b [1m\nc\u{fffd}"
        );
        let binary = answer(&[0xff; MAX_RESPONSE_BYTES]).text().unwrap();
        assert_eq!(binary.len(), MAX_RESPONSE_BYTES / 3 * 3);
    }

    #[test]
    fn of_a_body_only_the_beginning_is_kept() {
        let mut reading = Reading::default();
        assert!(reading.take(&[b'a'; 200]));
        assert!(reading.take(&[b'b'; MAX_BODY_BYTES - 200]));
        assert!(!reading.take(b"c"));
        let kept = reading.kept();
        assert_eq!(kept.len(), MAX_RESPONSE_BYTES);
        assert_eq!((kept[199], kept[200]), (b'a', b'b'));
    }
}
