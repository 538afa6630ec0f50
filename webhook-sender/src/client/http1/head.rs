//! The head of an answer.

use httparse::{EMPTY_HEADER, Header, Response, Status};

use crate::client::CallError;

const MAX_HEADERS: usize = 100;

/// How long the body is (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    ToClose,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub status: u16,
    pub retry_after: Option<String>,
    pub framing: Framing,
    /// Whether the connection stays open behind the body, by what the answer says.
    pub persists: bool,
}

impl Head {
    /// Whether another answer follows. 101 is the last one: nobody asked to switch.
    pub(super) fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }
}

/// The head at the start of `bytes`, and how long it is; `None` while it is not whole.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, CallError> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = Response::new(&mut headers);
    let broken = |error: httparse::Error| CallError::Broken(error.to_string());
    let Status::Complete(length) = response.parse(bytes).map_err(broken)? else {
        return Ok(None);
    };
    let status = response.code.unwrap_or_default();
    let framing = framing(status, response.headers)?;
    let is_current = response.version == Some(1);
    let says_close = has_token(response.headers, "connection", "close");
    let smuggles = both_framings(response.headers);
    let head = Head {
        status,
        retry_after: text(response.headers, "retry-after"),
        framing,
        persists: is_current
            && !says_close
            && !smuggles
            && status != 101
            && framing != Framing::ToClose,
    };
    Ok(Some((head, length)))
}

fn framing(status: u16, headers: &[Header<'_>]) -> Result<Framing, CallError> {
    if matches!(status, 100..=199 | 204 | 304) {
        return Ok(Framing::Length(0));
    }
    let mut codings = values(headers, "transfer-encoding").peekable();
    if codings.peek().is_some() {
        let mut codings = codings.flat_map(|value| value.split(|byte| *byte == b','));
        let first = codings.next().unwrap_or_default().trim_ascii();
        let only_chunked = first.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        return Ok(if only_chunked {
            Framing::Chunked
        } else {
            Framing::ToClose
        });
    }
    match length(headers)? {
        Some(length) => Ok(Framing::Length(length)),
        None => Ok(Framing::ToClose),
    }
}

/// What `Content-Length` says, which may be said again but not otherwise.
fn length(headers: &[Header<'_>]) -> Result<Option<u64>, CallError> {
    let mut said = None;
    let values = values(headers, "content-length");
    for value in values.flat_map(|value| value.split(|byte| *byte == b',')) {
        let length = digits(value.trim_ascii());
        match (said, length) {
            (None, Some(length)) => said = Some(length),
            (Some(before), Some(length)) if before == length => {}
            _ => return Err(CallError::Broken("its length is unclear".into())),
        }
    }
    Ok(said)
}

fn digits(text: &[u8]) -> Option<u64> {
    let all_digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok()?;
    all_digits.then(|| text.parse().ok()).flatten()
}

fn both_framings(headers: &[Header<'_>]) -> bool {
    let has = |name| values(headers, name).next().is_some();
    has("transfer-encoding") && has("content-length")
}

fn has_token(headers: &[Header<'_>], name: &str, token: &str) -> bool {
    values(headers, name)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|value| value.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

fn text(headers: &[Header<'_>], name: &str) -> Option<String> {
    let value = values(headers, name).next()?;
    std::str::from_utf8(value).ok().map(str::to_owned)
}

fn values<'h>(headers: &'h [Header<'_>], name: &'h str) -> impl Iterator<Item = &'h [u8]> {
    let named = move |header: &&Header<'_>| header.name.eq_ignore_ascii_case(name);
    headers.iter().filter(named).map(|header| header.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Head {
        let (head, length) = parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(length, text.len());
        head
    }

    #[test]
    fn the_length_of_a_body_is_as_rfc_9112_has_it() {
        let cases = [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
                Framing::Length(3),
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\n",
                Framing::Length(3),
                true,
            ),
            (
                "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n",
                Framing::Length(0),
                true,
            ),
            ("HTTP/1.1 200 OK\r\n\r\n", Framing::ToClose, false),
            (
                "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n",
                Framing::Length(3),
                false,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
                Framing::Chunked,
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                Framing::ToClose,
                false,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
                Framing::Chunked,
                false,
            ),
            (
                "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 3\r\n\r\n",
                Framing::Length(3),
                false,
            ),
            ("HTTP/1.1 101 Switching\r\n\r\n", Framing::Length(0), false),
        ];
        for (text, framing, persists) in cases {
            let head = parsed(text);
            assert_eq!(
                (head.framing, head.persists),
                (framing, persists),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_head_that_is_not_clear_is_refused() {
        let lengths = [
            "3, 4",
            "-1",
            "+3",
            "",
            "0x3",
            "99999999999999999999",
            "3\r\nContent-Length: 4",
        ];
        for length in lengths {
            let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            assert!(parse(text.as_bytes()).is_err(), "{length:?}");
        }
        for text in [
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_interim_answers_are_passed_over() {
        for (status, interim) in [(100, true), (103, true), (101, false), (200, false)] {
            let head = parsed(&format!("HTTP/1.1 {status} X\r\n\r\n"));
            assert_eq!(head.is_interim(), interim, "{status}");
        }
    }
}
