//! The body of a response.

use httparse::Status;

use super::head::Framing;
use crate::answer::Reading;

/// The longest line before a chunk, its extensions included.
const MAX_CHUNK_LINE: usize = 256;

/// Where in a body the reading is.
pub(super) enum Frame {
    /// So many bytes are left.
    Length(u64),
    ToClose,
    /// At the line before a chunk.
    ChunkLine,
    /// So many bytes of a chunk are left.
    Chunk(u64),
    /// At the line's end behind a chunk.
    ChunkEnd,
    /// Behind the last chunk.
    Trailers,
}

/// How it goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Done,
    More,
    /// Too long, or not chunked as it should be.
    Broken,
}

impl Frame {
    /// `None` for a body whose end cannot be told.
    pub(super) fn new(framing: Framing) -> Option<Self> {
        match framing {
            Framing::Length(length) => Some(Self::Length(length)),
            Framing::Chunked => Some(Self::ChunkLine),
            Framing::ToClose => Some(Self::ToClose),
            Framing::Unclear => None,
        }
    }

    /// Takes what belongs to the body off `received`. What is left when it is [`Next::Done`] came
    /// behind it.
    pub(super) fn take(&mut self, received: &mut Vec<u8>, reading: &mut Reading) -> Next {
        let mut at = 0;
        let next = loop {
            let bytes = received.get(at..).unwrap_or_default();
            match self.step(bytes, reading) {
                (count, None) => at += count,
                (count, Some(next)) => {
                    at += count;
                    break next;
                }
            }
        };
        received.drain(..at.min(received.len()));
        next
    }

    /// One step: how many bytes it took, and whether that was the last one for now.
    fn step(&mut self, bytes: &[u8], reading: &mut Reading) -> (usize, Option<Next>) {
        match *self {
            Self::Length(0) => (0, Some(Next::Done)),
            Self::Length(left) => self.content(left, Self::Length, bytes, reading),
            Self::Chunk(0) => self.go_on(0, Self::ChunkEnd),
            Self::Chunk(left) => self.content(left, Self::Chunk, bytes, reading),
            Self::ToClose => self.content(u64::MAX, |_| Self::ToClose, bytes, reading),
            Self::ChunkLine => self.chunk_line(bytes),
            Self::ChunkEnd => match line_end(bytes) {
                Some(true) => self.go_on(2, Self::ChunkLine),
                other => (0, Some(more_or_broken(other))),
            },
            // Trailers are not read; the connection ends with them.
            Self::Trailers => match line_end(bytes) {
                Some(true) => (2, Some(Next::Done)),
                other => (0, Some(more_or_broken(other))),
            },
        }
    }

    fn content(
        &mut self,
        left: u64,
        state: impl Fn(u64) -> Self,
        bytes: &[u8],
        reading: &mut Reading,
    ) -> (usize, Option<Next>) {
        if bytes.is_empty() {
            return (0, Some(Next::More));
        }
        let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        *self = state(left - count as u64);
        match reading.take(bytes.get(..count).unwrap_or_default()) {
            true => (count, None),
            false => (count, Some(Next::Broken)),
        }
    }

    fn chunk_line(&mut self, bytes: &[u8]) -> (usize, Option<Next>) {
        match httparse::parse_chunk_size(bytes) {
            Ok(Status::Complete((count, 0))) => self.go_on(count, Self::Trailers),
            Ok(Status::Complete((count, size))) => self.go_on(count, Self::Chunk(size)),
            Ok(Status::Partial) if bytes.len() < MAX_CHUNK_LINE => (0, Some(Next::More)),
            Ok(Status::Partial) | Err(_) => (0, Some(Next::Broken)),
        }
    }

    fn go_on(&mut self, count: usize, state: Self) -> (usize, Option<Next>) {
        *self = state;
        (count, None)
    }
}

/// Whether `bytes` begin with the end of a line; `None` while that cannot be told.
fn line_end(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [] | [b'\r'] => None,
        [b'\r', b'\n', ..] => Some(true),
        _ => Some(false),
    }
}

fn more_or_broken(line_end: Option<bool>) -> Next {
    if line_end.is_none() {
        Next::More
    } else {
        Next::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `bytes` in parts of `part`; how it ended, what was kept, and what was left over.
    fn fed(framing: Framing, bytes: &[u8], part: usize) -> (Next, String, String) {
        let (mut frame, mut reading) = (Frame::new(framing).unwrap(), Reading::default());
        let mut received = vec![];
        let mut next = frame.take(&mut received, &mut reading);
        for part in bytes.chunks(part) {
            received.extend_from_slice(part);
            if next == Next::More {
                next = frame.take(&mut received, &mut reading);
            }
        }
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (next, text(reading.kept()), text(received))
    }

    #[test]
    fn a_body_is_the_same_in_whatever_parts_it_comes() {
        let chunked = b"4;a=b\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n";
        for part in 1..=chunked.len() {
            let (next, body, left) = fed(Framing::Chunked, chunked, part);
            assert_eq!(
                (next, &*body, &*left),
                (Next::Done, "Wikipedia", ""),
                "{part}"
            );
            let (next, body, _) = fed(Framing::Length(3), b"abc", part);
            assert_eq!((next, &*body), (Next::Done, "abc"), "{part}");
        }
    }

    #[test]
    fn what_comes_behind_a_body_is_left_over() {
        let (next, body, left) = fed(Framing::Length(3), b"abcHTTP", 100);
        assert_eq!((next, &*body, &*left), (Next::Done, "abc", "HTTP"));
    }

    #[test]
    fn chunks_that_are_not_chunks_end_the_reading() {
        let broken: [&[u8]; 5] = [
            b"x\r\n",
            b"3\r\nabcd\r\n",
            b"0\r\nA: b\r\n\r\n",
            b"-1\r\n",
            b"3\r\nabc\n\n",
        ];
        for bytes in broken {
            assert_eq!(fed(Framing::Chunked, bytes, 1).0, Next::Broken, "{bytes:?}");
        }
        let endless = [b'0'; MAX_CHUNK_LINE + 1];
        assert_eq!(fed(Framing::Chunked, &endless, 1).0, Next::Broken);
    }

    #[test]
    fn a_body_without_a_length_ends_with_the_connection() {
        assert_eq!(fed(Framing::ToClose, b"abc", 2).0, Next::More);
    }
}
