//! The body of a response.

use httparse::Status;

use super::head::Framing;
use crate::response::BodyExcerpt;

/// The longest line before a chunk, its extensions included.
const MAX_CHUNK_LINE: usize = 256;

/// A decoder of a body, by its position in it.
pub(super) enum Decoder {
    /// With this number of bytes left.
    Length(u64),
    UntilClose,
    /// At the line before a chunk.
    ChunkLine,
    /// In a chunk with this number of bytes left.
    Chunk(u64),
    /// At the line end after a chunk.
    ChunkEnd,
    /// After the last chunk.
    Trailers,
}

/// The progress of decoding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Complete,
    Incomplete,
    /// Too long, or not chunked correctly.
    Broken,
}

impl Decoder {
    /// Returns a decoder; `None` for a body whose end is not determined.
    pub(super) fn new(framing: Framing) -> Option<Self> {
        match framing {
            Framing::Length(length) => Some(Self::Length(length)),
            Framing::Chunked => Some(Self::ChunkLine),
            Framing::UntilClose => Some(Self::UntilClose),
            Framing::Unclear => None,
        }
    }

    /// Removes the bytes of the body from `received`. Bytes that are left when it returns
    /// [`Progress::Complete`] follow the body.
    pub(super) fn decode(&mut self, received: &mut Vec<u8>, excerpt: &mut BodyExcerpt) -> Progress {
        let mut at = 0;
        let progress = loop {
            let bytes = received.get(at..).unwrap_or_default();
            match self.step(bytes, excerpt) {
                (count, None) => at += count,
                (count, Some(progress)) => {
                    at += count;
                    break progress;
                }
            }
        };
        received.drain(..at.min(received.len()));
        progress
    }

    /// Decodes one element. Returns its length, and the progress if no other element follows yet.
    fn step(&mut self, bytes: &[u8], excerpt: &mut BodyExcerpt) -> (usize, Option<Progress>) {
        match *self {
            Self::Length(0) => (0, Some(Progress::Complete)),
            Self::Length(left) => self.content(left, Self::Length, bytes, excerpt),
            Self::Chunk(0) => self.advance(0, Self::ChunkEnd),
            Self::Chunk(left) => self.content(left, Self::Chunk, bytes, excerpt),
            Self::UntilClose => self.content(u64::MAX, |_| Self::UntilClose, bytes, excerpt),
            Self::ChunkLine => self.chunk_line(bytes),
            Self::ChunkEnd => match line_end(bytes) {
                Some(true) => self.advance(2, Self::ChunkLine),
                other => (0, Some(incomplete_or_broken(other))),
            },
            // Trailers are not parsed: a response with trailers ends the connection.
            Self::Trailers => match line_end(bytes) {
                Some(true) => (2, Some(Progress::Complete)),
                other => (0, Some(incomplete_or_broken(other))),
            },
        }
    }

    fn content(
        &mut self,
        left: u64,
        state: impl Fn(u64) -> Self,
        bytes: &[u8],
        excerpt: &mut BodyExcerpt,
    ) -> (usize, Option<Progress>) {
        if bytes.is_empty() {
            return (0, Some(Progress::Incomplete));
        }
        let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        *self = state(left - count as u64);
        if excerpt.push(bytes.get(..count).unwrap_or_default()) {
            (count, None)
        } else {
            (count, Some(Progress::Broken))
        }
    }

    fn chunk_line(&mut self, bytes: &[u8]) -> (usize, Option<Progress>) {
        match httparse::parse_chunk_size(bytes) {
            Ok(Status::Complete((count, 0))) => self.advance(count, Self::Trailers),
            Ok(Status::Complete((count, size))) => self.advance(count, Self::Chunk(size)),
            Ok(Status::Partial) if bytes.len() < MAX_CHUNK_LINE => (0, Some(Progress::Incomplete)),
            Ok(Status::Partial) | Err(_) => (0, Some(Progress::Broken)),
        }
    }

    fn advance(&mut self, count: usize, state: Self) -> (usize, Option<Progress>) {
        *self = state;
        (count, None)
    }
}

/// Returns whether `bytes` begin with a line end; `None` while too few are received.
fn line_end(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [] | [b'\r'] => None,
        [b'\r', b'\n', ..] => Some(true),
        _ => Some(false),
    }
}

fn incomplete_or_broken(line_end: Option<bool>) -> Progress {
    if line_end.is_none() {
        Progress::Incomplete
    } else {
        Progress::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `bytes` in parts of `part` bytes. Returns the progress, the body, and the bytes left.
    fn decoded(framing: Framing, bytes: &[u8], part: usize) -> (Progress, String, String) {
        let (mut decoder, mut excerpt) = (Decoder::new(framing).unwrap(), BodyExcerpt::new(256));
        let mut received = vec![];
        let mut progress = decoder.decode(&mut received, &mut excerpt);
        for part in bytes.chunks(part) {
            received.extend_from_slice(part);
            if progress == Progress::Incomplete {
                progress = decoder.decode(&mut received, &mut excerpt);
            }
        }
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (progress, text(excerpt.into_parts().0), text(received))
    }

    #[test]
    fn a_body_is_decoded_equally_in_parts_of_any_length() {
        let chunked = b"4;a=b\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n";
        for part in 1..=chunked.len() {
            let (progress, body, left) = decoded(Framing::Chunked, chunked, part);
            assert_eq!(
                (progress, &*body, &*left),
                (Progress::Complete, "Wikipedia", ""),
                "{part}"
            );
            let (progress, body, _) = decoded(Framing::Length(3), b"abc", part);
            assert_eq!((progress, &*body), (Progress::Complete, "abc"), "{part}");
        }
    }

    #[test]
    fn bytes_after_a_body_are_left() {
        let (progress, body, left) = decoded(Framing::Length(3), b"abcHTTP", 100);
        assert_eq!(
            (progress, &*body, &*left),
            (Progress::Complete, "abc", "HTTP")
        );
    }

    #[test]
    fn malformed_chunks_end_the_decoding() {
        let broken: [&[u8]; 5] = [
            b"x\r\n",
            b"3\r\nabcd\r\n",
            b"0\r\nA: b\r\n\r\n",
            b"-1\r\n",
            b"3\r\nabc\n\n",
        ];
        for bytes in broken {
            let progress = decoded(Framing::Chunked, bytes, 1).0;
            assert_eq!(progress, Progress::Broken, "{bytes:?}");
        }
        let endless = [b'0'; MAX_CHUNK_LINE + 1];
        assert_eq!(decoded(Framing::Chunked, &endless, 1).0, Progress::Broken);
    }

    #[test]
    fn a_body_without_a_length_ends_with_the_connection() {
        assert_eq!(
            decoded(Framing::UntilClose, b"abc", 2).0,
            Progress::Incomplete
        );
    }
}
