//! Reading a body no further than its limit, and only as a whole.

use crate::Headers;

/// Why a body could not be had.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It has more bytes than the limit. What lies beyond was not read.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection gave out before the body's end.
    #[error("the body broke off")]
    BrokenOff,
    /// It takes longer than a sender is waited for.
    #[error("the body did not arrive within {seconds} s")]
    TooSlow {
        /// The time it was waited for.
        seconds: u64,
    },
}

/// Fails where the headers announce a body of another length: the end of this one is not its own.
///
/// Platforms differ in what they say of a body that broke off. A length that was announced does not
/// depend on that.
pub(crate) fn check_length(headers: &Headers, body: &[u8]) -> Result<(), BodyError> {
    let mut announced = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .filter_map(|(_, value)| std::str::from_utf8(value).ok()?.parse::<usize>().ok());
    match announced.all(|length| length == body.len()) {
        true => Ok(()),
        false => Err(BodyError::BrokenOff),
    }
}

/// Takes chunks from `next` until it has none left, and puts them together.
///
/// It stops at the chunk that passes `limit` bytes, so that the limit and one chunk is the most
/// that is ever in memory.
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

/// Most bodies come in one chunk, which is then taken over instead of copied.
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
    fn chunks_are_put_together_in_order() {
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
    fn one_byte_past_the_limit_is_refused() {
        let (body, _) = read(6, &[b"abc", b"def", b"g"]);
        assert_eq!(body.unwrap_err(), BodyError::TooLong { limit: 6 });
    }

    #[test]
    fn nothing_is_read_past_the_chunk_that_is_too_much() {
        let (body, taken) = read(4, &[b"abc", b"def", b"ghi", b"jkl"]);
        assert_eq!(body.unwrap_err(), BodyError::TooLong { limit: 4 });
        assert_eq!(taken, 2);
    }

    #[test]
    fn a_body_has_to_be_as_long_as_it_was_announced() {
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
    fn a_body_that_breaks_off_is_no_shorter_body() {
        let mut chunks = vec![Err(BodyError::BrokenOff), Ok(Some(b"half".to_vec()))];
        let body = read_bounded(100, || chunks.pop().unwrap());
        assert_eq!(body.unwrap_err(), BodyError::BrokenOff);
    }
}
