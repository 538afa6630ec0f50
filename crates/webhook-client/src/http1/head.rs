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
mod tests;
