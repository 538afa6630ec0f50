//! Writes records.

use std::cell::RefCell;

use bytes::Bytes;

use super::content::{Exchange, Protocol};
use super::encoding::{number, text};
use super::headers::{self, HeaderBlock};
use crate::masked_url;

pub(super) const VERSION: u8 = 1;

/// The bits of the flags.
pub(super) mod flag {
    pub const RESPONSE: u8 = 1;
    pub const HTTP1: u8 = 2;
    pub const HTTP2: u8 = 4;
    pub const MORE_HEADERS: u8 = 8;
}

thread_local! {
    /// The record that a thread is writing, whose size is not known before. A copy of it takes one
    /// allocation of that size, where a vector would grow and shrink.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The start of the records of all attempts to an endpoint: the URL and the headers that do not
/// depend on the attempt. `Host` and `Content-Length` are not added: they follow from the rest.
#[derive(Clone, Debug)]
pub struct RequestRecord(Vec<u8>);

/// A response, as far as it is recorded.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedParts<'a> {
    pub protocol: Protocol,
    pub headers: &'a HeaderBlock,
    /// The first bytes of the body.
    pub body: &'a [u8],
    /// The number of bytes of the body that were received.
    pub body_bytes: u64,
}

impl RequestRecord {
    /// Begins a record of requests to a URL, whose secrets are masked.
    pub fn new(url: &str) -> Self {
        let mut bytes = vec![VERSION, 0];
        text(&mut bytes, masked_url(url).as_bytes());
        Self(bytes)
    }

    /// Adds a header.
    pub fn shown(&mut self, name: &str, value: &str) {
        headers::shown(&mut self.0, name, value.as_bytes());
    }

    /// Adds a header whose value is secret.
    pub fn hidden(&mut self, name: &str) {
        headers::hidden(&mut self.0, name);
    }

    /// Returns the exchange of an attempt with further headers, a body of `body_bytes`, and a
    /// response.
    pub fn exchange<'a>(
        &self,
        further: impl IntoIterator<Item = (&'a str, &'a str)>,
        body_bytes: usize,
        response: Option<&ReceivedParts<'_>>,
    ) -> Exchange {
        SCRATCH.with_borrow_mut(|out| {
            out.clear();
            out.extend_from_slice(&self.0);
            for (name, value) in further {
                headers::shown(out, name, value.as_bytes());
            }
            headers::end(out);
            number(out, body_bytes as u64);
            if let Some(response) = response {
                write_response(out, response);
            }
            Exchange(Bytes::copy_from_slice(out))
        })
    }
}

fn write_response(out: &mut Vec<u8>, response: &ReceivedParts<'_>) {
    let protocol = match response.protocol {
        Protocol::Http1 => flag::HTTP1,
        Protocol::Http2 => flag::HTTP2,
    };
    let more = u8::from(response.headers.has_more()) * flag::MORE_HEADERS;
    if let Some(flags) = out.get_mut(1) {
        *flags = flag::RESPONSE | protocol | more;
    }
    response.headers.write(out);
    number(out, response.body_bytes);
    out.extend_from_slice(response.body);
}

impl Exchange {
    /// Returns the exchange of which only the start of the response's body is known, as text: that of
    /// an attempt that an earlier version recorded.
    pub fn of_text(body: &str) -> Self {
        let mut out = vec![VERSION, flag::RESPONSE];
        text(&mut out, b"");
        headers::end(&mut out);
        number(&mut out, 0);
        headers::end(&mut out);
        number(&mut out, body.len() as u64);
        out.extend_from_slice(body.as_bytes());
        Self(Bytes::from(out))
    }
}
