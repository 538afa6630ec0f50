//! Reading of a complete body up to a limit.

use crate::Headers;

/// The reason why a body could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is longer than the limit. Nothing beyond the limit was read.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection failed before the end of the body.
    #[error("the body is incomplete")]
    BrokenOff,
    /// It took longer than the time limit.
    #[error("the body did not arrive within {seconds} s")]
    TooSlow {
        /// The time limit.
        seconds: u64,
    },
}

/// Checks that the body has the length that the headers announce.
///
/// Platforms differ in how they report a body that breaks off. This check does not depend on them.
pub(crate) fn check_length(headers: &Headers, body: &[u8]) -> Result<(), BodyError> {
    let mut announced = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .filter_map(|(_, value)| std::str::from_utf8(value).ok()?.parse::<usize>().ok());
    if announced.all(|length| length == body.len()) {
        Ok(())
    } else {
        Err(BodyError::BrokenOff)
    }
}

/// Concatenates the chunks that `next` returns until it returns `None`.
///
/// It stops at the chunk that exceeds `limit` bytes, so that at most the limit and one chunk are in
/// memory.
pub fn read_bounded(
    limit: usize,
    mut next: impl FnMut() -> Result<Option<Vec<u8>>, BodyError>,
) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = next()? {
        if chunk.len() > limit - body.len() {
            return Err(BodyError::TooLong { limit });
        }
        append(&mut body, chunk);
    }
    Ok(body)
}

/// Appends a chunk. The first chunk, usually the only one, is moved instead of copied.
fn append(body: &mut Vec<u8>, mut chunk: Vec<u8>) {
    if body.is_empty() {
        *body = chunk;
    } else {
        body.append(&mut chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(limit: usize, chunks: &[&[u8]]) -> (Result<Vec<u8>, BodyError>, usize) {
        let mut taken = 0;
        let body = read_bounded(limit, || {
            let chunk = chunks.get(taken).map(|chunk| chunk.to_vec());
            taken += usize::from(chunk.is_some());
            Ok(chunk)
        });
        (body, taken)
    }

    #[test]
    fn chunks_are_concatenated_in_order() {
        let (body, _) = read(100, &[b"one ", b"", b"two ", b"three"]);
        assert_eq!(body.unwrap(), b"one two three");
    }

    #[test]
    fn no_chunk_is_an_empty_body() {
        assert_eq!(read(0, &[]).0.unwrap(), b"");
    }

    #[test]
    fn a_body_of_exactly_the_limit_is_read() {
        assert_eq!(read(6, &[b"abc", b"def"]).0.unwrap(), b"abcdef");
    }

    #[test]
    fn one_byte_beyond_the_limit_is_rejected() {
        let (body, _) = read(6, &[b"abc", b"def", b"g"]);
        assert_eq!(body.unwrap_err(), BodyError::TooLong { limit: 6 });
    }

    #[test]
    fn nothing_is_read_after_the_chunk_that_exceeds_the_limit() {
        let (body, taken) = read(4, &[b"abc", b"def", b"ghi", b"jkl"]);
        assert_eq!(body.unwrap_err(), BodyError::TooLong { limit: 4 });
        assert_eq!(taken, 2);
    }

    #[test]
    fn a_body_must_have_its_announced_length() {
        let announced = |length: &str| {
            let header = ("Content-Length".to_owned(), length.as_bytes().to_vec());
            check_length(&vec![header], b"1234")
        };
        assert_eq!(announced("4"), Ok(()));
        assert_eq!(check_length(&Vec::new(), b"1234"), Ok(()));
        for other in ["5", "3", "0"] {
            assert_eq!(announced(other), Err(BodyError::BrokenOff), "{other}");
        }
    }

    #[test]
    fn an_incomplete_body_is_an_error() {
        let mut chunks = vec![Err(BodyError::BrokenOff), Ok(Some(b"half".to_vec()))];
        let body = read_bounded(100, || chunks.pop().unwrap());
        assert_eq!(body.unwrap_err(), BodyError::BrokenOff);
    }
}
