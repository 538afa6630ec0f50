//! The head of a response.
//!
//! The status decides an attempt. An irregularity after it, in a header line or in the framing, never
//! discards it: it only prevents reuse of the connection.

use std::time::Duration;

use httparse::{EMPTY_HEADER, Header, Status};
use webhook_model::HeaderBlock;

use crate::CallError;

/// The most headers of a regular response. More of them are read, but prevent reuse of the connection.
const MAX_HEADERS: usize = 100;

/// The length of the body (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
    /// Not determined by the head. Nothing more is read, because reading an open connection would last
    /// until the deadline.
    Unclear,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub status: u16,
    pub retry_after: Option<String>,
    /// The headers that could be parsed.
    pub headers: HeaderBlock,
    pub framing: Framing,
    /// Set if the head lets the connection stay open after the body.
    pub persists: bool,
    /// The time for which the receiver keeps an idle connection open (`Keep-Alive: timeout=5`).
    pub keep_alive: Option<Duration>,
}

impl Head {
    fn new(status: u16, headers: &[Header<'_>], is_current: bool) -> Self {
        let framing = framing(status, headers);
        let says_close = has_token(headers, "connection", "close");
        let has_length = matches!(framing, Framing::Length(_) | Framing::Chunked);
        Self {
            status,
            retry_after: text(headers, "retry-after"),
            headers: block(headers),
            framing,
            persists: is_current
                && has_length
                && !says_close
                && !both_framings(headers)
                && status != 101,
            keep_alive: keep_alive(headers),
        }
    }

    /// Returns a head that violates the grammar. Its framing is used only where it is explicit.
    fn irregular(status: u16, headers: &[Header<'_>]) -> Self {
        let head = Self::new(status, headers, false);
        match head.framing {
            Framing::UntilClose => Self {
                framing: Framing::Unclear,
                ..head
            },
            _ => head,
        }
    }

    /// Returns whether another response follows. None follows 101, because no switch was requested.
    pub(super) fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }
}

/// Parses the head at the start of `bytes` and returns it with its length; `None` while it is
/// incomplete.
///
/// # Errors
///
/// [`CallError::Broken`] where there is no status.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, CallError> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(Status::Complete(length)) => {
            let status = response.code.unwrap_or_default();
            let is_current = response.version == Some(1);
            Ok(Some((
                Head::new(status, response.headers, is_current),
                length,
            )))
        }
        Ok(Status::Partial) => Ok(None),
        Err(error) => {
            let (blank, rest) = after_blank_lines(bytes);
            let status = status(rest).ok_or_else(|| CallError::Broken(error.to_string()))?;
            let (headers, length) = lines(rest);
            Ok(length.map(|length| (Head::irregular(status, &headers), blank + length)))
        }
    }
}

/// Returns the known part of a final response whose head is incomplete; `None` if its status is not
/// known.
pub(super) fn parse_unfinished(bytes: &[u8]) -> Option<Head> {
    let (_, bytes) = after_blank_lines(bytes);
    let status = status(bytes)?;
    let (headers, _) = lines(bytes);
    let head = Head {
        framing: Framing::Unclear,
        persists: false,
        ..Head::new(status, &headers, false)
    };
    (!head.is_interim()).then_some(head)
}

/// Returns the length of the empty lines that may precede a response, and the bytes after them.
fn after_blank_lines(bytes: &[u8]) -> (usize, &[u8]) {
    let is_blank = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    let blank = bytes.iter().take_while(is_blank).count();
    (blank, bytes.get(blank..).unwrap_or_default())
}

/// Returns the status of a response, once its three digits and the byte after them are received.
fn status(bytes: &[u8]) -> Option<u16> {
    let rest = bytes.strip_prefix(b"HTTP/1.")?;
    let [b'0'..=b'9', b' ', digits @ .., b' ' | b'\r' | b'\n'] = rest.get(..6)? else {
        return None;
    };
    let status = u16::try_from(self::digits(digits)?).ok()?;
    (100..=999).contains(&status).then_some(status)
}

/// Returns the headers that can be parsed, and the head's length once its empty line is received.
/// Other lines, and the continuations of folded lines, are skipped.
fn lines(bytes: &[u8]) -> (Vec<Header<'_>>, Option<usize>) {
    let mut headers = Vec::new();
    let mut length = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(text) = line.strip_suffix(b"\n") else {
            break;
        };
        length += line.len();
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() {
            return (headers, Some(length));
        }
        headers.extend(header(text));
    }
    (headers, None)
}

fn header(line: &[u8]) -> Option<Header<'_>> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let is_folded = name.first().is_some_and(u8::is_ascii_whitespace);
    let name = std::str::from_utf8(name.trim_ascii_end()).ok()?;
    let value = value.get(1..)?.trim_ascii();
    (!is_folded).then_some(Header { name, value })
}

fn framing(status: u16, headers: &[Header<'_>]) -> Framing {
    if matches!(status, 100..=199 | 204 | 304) {
        return Framing::Length(0);
    }
    let mut codings = values(headers, "transfer-encoding").peekable();
    if codings.peek().is_some() {
        let mut codings = codings.flat_map(|value| value.split(|byte| *byte == b','));
        let first = codings.next().unwrap_or_default().trim_ascii();
        let only_chunked = first.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        return if only_chunked {
            Framing::Chunked
        } else {
            Framing::UntilClose
        };
    }
    length(headers)
}

/// Returns the framing by `Content-Length`, whose repetitions must agree.
fn length(headers: &[Header<'_>]) -> Framing {
    let mut known = None;
    let values = values(headers, "content-length");
    for value in values.flat_map(|value| value.split(|byte| *byte == b',')) {
        let length = digits(value.trim_ascii());
        match (known, length) {
            (None, Some(length)) => known = Some(length),
            (Some(known), Some(length)) if known == length => {}
            _ => return Framing::Unclear,
        }
    }
    known.map_or(Framing::UntilClose, Framing::Length)
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

fn keep_alive(headers: &[Header<'_>]) -> Option<Duration> {
    let mut parameters =
        values(headers, "keep-alive").flat_map(|value| value.split(|byte| *byte == b','));
    let seconds = parameters.find_map(|parameter| {
        let parameter = parameter.trim_ascii().to_ascii_lowercase();
        digits(parameter.strip_prefix(b"timeout=")?)
    });
    seconds.map(Duration::from_secs)
}

fn block(headers: &[Header<'_>]) -> HeaderBlock {
    let mut block = HeaderBlock::default();
    for header in headers {
        block.push(header.name, header.value);
    }
    block
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
    fn the_length_of_a_body_follows_rfc_9112() {
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
            ("HTTP/1.1 200 OK\r\n\r\n", Framing::UntilClose, false),
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
                Framing::UntilClose,
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
    fn an_unclear_length_keeps_the_status_and_ends_the_connection() {
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
            let head = parsed(&format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
            ));
            assert_eq!(
                (head.status, head.framing, head.persists),
                (200, Framing::Unclear, false),
                "{length:?}"
            );
        }
    }

    #[test]
    fn a_head_that_violates_the_grammar_keeps_its_status_and_regular_headers() {
        let many = "X: y\r\n".repeat(MAX_HEADERS + 1);
        let irregularities = [
            "Set-Cookie: a=\x01\r\n",
            "Set-Cookie: a=\0\r\n",
            "no colon\r\n",
            "Folded: a\r\n b: c\r\n",
            "Spaced : a\r\n",
            ": no name\r\n",
            "Bare: a\rb\r\n",
            many.as_str(),
        ];
        for irregular in irregularities {
            let head = parsed(&format!(
                "HTTP/1.1 503 Busy\r\n{irregular}Retry-After : 7\r\nContent-Length:2\r\n\r\n"
            ));
            assert_eq!(
                (head.status, head.retry_after.as_deref()),
                (503, Some("7")),
                "{irregular:?}"
            );
            assert_eq!(
                (head.framing, head.persists),
                (Framing::Length(2), false),
                "{irregular:?}"
            );
        }
        let late = parsed("\r\nHTTP/1.1 200 OK\r\nno colon\r\n\r\n");
        assert_eq!((late.status, late.persists), (200, false));
        let unframed = parsed("HTTP/1.1 200 OK\r\nno colon\r\n\r\n");
        assert_eq!(unframed.framing, Framing::Unclear);
    }

    #[test]
    fn an_incomplete_head_has_a_status_once_its_digits_have_ended() {
        let known = |text: &str| parse_unfinished(text.as_bytes()).map(|head| head.status);
        for text in ["HTTP/1.1 200 ", "HTTP/1.0 200\r\n", "HTTP/1.1 200 O\x01K"] {
            assert_eq!(known(text), Some(200), "{text:?}");
        }
        let unknown = [
            "",
            "HTTP/1.1 20",
            "HTTP/1.1 200",
            "HTTP/1.1 2000 OK\r\n",
            "HTTP/1.1 099 X\r\n",
            "HTTP/1.1 100 Continue\r\n",
            "HTTP/2 200 \r\n",
        ];
        for text in unknown {
            assert_eq!(known(text), None, "{text:?}");
        }
        let busy = parse_unfinished(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nCont").unwrap();
        assert_eq!(busy.retry_after.as_deref(), Some("7"));
    }

    #[test]
    fn a_response_that_is_not_http_has_no_status() {
        for text in [
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_timeout_of_the_keep_alive_header_is_parsed() {
        for (value, seconds) in [
            ("timeout=5", Some(5)),
            ("max=100, Timeout=12", Some(12)),
            ("timeout=x", None),
            ("max=3", None),
        ] {
            let head = parsed(&format!(
                "HTTP/1.1 200 OK\r\nKeep-Alive: {value}\r\nContent-Length: 0\r\n\r\n"
            ));
            assert_eq!(head.keep_alive, seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn only_interim_responses_are_skipped() {
        for (status, interim) in [(100, true), (103, true), (101, false), (200, false)] {
            let head = parsed(&format!("HTTP/1.1 {status} X\r\n\r\n"));
            assert_eq!(head.is_interim(), interim, "{status}");
        }
    }
}
