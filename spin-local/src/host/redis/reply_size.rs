//! The size of a Redis reply in memory: its bytes, and the overhead of its parts.

/// The memory overhead of each part of a parsed reply, in bytes.
const PART_OVERHEAD: usize = 64;

/// Returns a function that computes the size of consecutive bytes of replies.
pub(super) fn size() -> impl FnMut(&[u8]) -> usize + Send + Unpin + 'static {
    let mut reply = Reply::Part;
    move |bytes| bytes.len() + PART_OVERHEAD * reply.parts(bytes)
}

/// The state of a scan over a reply: enough of the Redis protocol (RESP) to count its parts and to
/// skip the bytes of its strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    /// The beginning of a part.
    Part,
    /// A line, with the length of a string if it is one.
    Line { length: Option<usize> },
    /// The rest of a string with its line end.
    Bytes { left: usize },
}

impl Reply {
    /// Returns the number of parts that begin within `bytes`.
    fn parts(&mut self, mut bytes: &[u8]) -> usize {
        let mut parts = 0;
        while let [first, rest @ ..] = bytes {
            match self {
                Self::Bytes { left } if *left > bytes.len() => {
                    *left -= bytes.len();
                    return parts;
                }
                Self::Bytes { left } => {
                    bytes = &bytes[*left..];
                    *self = Self::Part;
                }
                Self::Part => {
                    parts += 1;
                    let is_string = matches!(first, b'$' | b'=' | b'!');
                    let length = is_string.then_some(0);
                    *self = Self::Line { length };
                    bytes = rest;
                }
                Self::Line { length } => {
                    *self = Self::after(*first, *length);
                    bytes = rest;
                }
            }
        }
        parts
    }

    /// Returns the state after `byte` of a line.
    fn after(byte: u8, length: Option<usize>) -> Self {
        match (byte, length) {
            (b'\n', Some(length)) => Self::Bytes {
                left: length.saturating_add(2),
            },
            (b'\n', None) => Self::Part,
            (b'0'..=b'9', Some(length)) => Self::Line {
                length: Some(
                    length
                        .saturating_mul(10)
                        .saturating_add((byte - b'0').into()),
                ),
            },
            // A null string has the length -1 and no bytes.
            (b'-', Some(_)) => Self::Line { length: None },
            (_, length) => Self::Line { length },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(reply: &[u8]) -> usize {
        let whole = Reply::Part.parts(reply);
        let mut state = Reply::Part;
        let by_byte: usize = reply.iter().map(|byte| state.parts(&[*byte])).sum();
        assert_eq!(whole, by_byte, "the count must not depend on the chunks");
        assert_eq!(state, Reply::Part, "the scan must end with the reply");
        whole
    }

    #[test]
    fn the_parts_of_a_reply_are_counted() {
        assert_eq!(parts(b"+OK\r\n"), 1);
        assert_eq!(parts(b"$-1\r\n"), 1);
        assert_eq!(parts(b"$0\r\n\r\n"), 1);
        assert_eq!(parts(b"$4\r\n\n\n:1\r\n"), 1);
        assert_eq!(parts(b"*3\r\n:1\r\n$2\r\nab\r\n*1\r\n+x\r\n"), 5);
    }
}
