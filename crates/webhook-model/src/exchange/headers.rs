//! Lists of headers.

use webhook_signature::{plain, standard, wss};

use super::content::WireHeader;
use super::encoding::{self, Reader};
use super::packed;
use crate::MASK;

/// The maximum size of a list of a response's headers. Those that do not fit are left out.
pub const MAX_HEADER_BLOCK_BYTES: usize = 4 * 1024;

/// The byte that ends a list.
const END: u8 = 0x7f;

/// The bit of a header whose value is hidden.
const HIDDEN: u8 = 0x80;

/// The byte of a header whose name is not among [`NAMES`].
const OTHER: u8 = 0;

/// Names that have a number instead of their text: their position, counted from one. New names are
/// appended, because stored records contain these numbers.
const NAMES: [&str; 50] = [
    "Content-Type",
    "User-Agent",
    plain::HEADER,
    wss::TIMESTAMP,
    wss::SIGNATURE,
    wss::PREVIOUS,
    standard::ID,
    standard::TIMESTAMP,
    standard::SIGNATURE,
    "content-type",
    "Content-Length",
    "content-length",
    "Date",
    "date",
    "Server",
    "server",
    "Connection",
    "connection",
    "Keep-Alive",
    "keep-alive",
    "Transfer-Encoding",
    "transfer-encoding",
    "Cache-Control",
    "cache-control",
    "Vary",
    "vary",
    "ETag",
    "etag",
    "Location",
    "location",
    "Retry-After",
    "retry-after",
    "Set-Cookie",
    "set-cookie",
    "Strict-Transport-Security",
    "strict-transport-security",
    "X-Content-Type-Options",
    "x-content-type-options",
    "X-Frame-Options",
    "x-frame-options",
    "X-Request-Id",
    "x-request-id",
    "X-Powered-By",
    "x-powered-by",
    "Via",
    "via",
    "Alt-Svc",
    "alt-svc",
    "CF-RAY",
    "cf-ray",
];

/// A list of headers in the format of a record, built up header by header.
///
/// ```text
/// header  1   0: the name follows as a text, 1 to 95: the number of its name; 128: the value is hidden;
///             96 to 126: a name whose value has a shorter form, see `packed.rs`
/// value   text, unless it is hidden or has a shorter form
/// …
/// end     1   127
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderBlock {
    /// The headers without the end.
    bytes: Vec<u8>,
    has_more: bool,
}

impl HeaderBlock {
    /// Adds a header of a response. A cookie is hidden, because it may be a credential for the
    /// receiver. A header that exceeds [`MAX_HEADER_BLOCK_BYTES`] is left out.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes.reserve(192);
        }
        let room = MAX_HEADER_BLOCK_BYTES.saturating_sub(self.bytes.len());
        // Five bytes of numbers at most.
        if name.len() + value.len() + 5 > room {
            self.has_more = true;
        } else if name.eq_ignore_ascii_case("set-cookie") {
            hidden(&mut self.bytes, name);
        } else {
            shown(&mut self.bytes, name, value);
        }
    }

    /// Returns whether headers were left out.
    pub(super) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Appends the list with its end.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
        end(out);
    }
}

/// Appends a header.
pub(super) fn shown(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    if !packed::write(out, name, value) {
        write_name(out, name, 0);
        encoding::text(out, value);
    }
}

/// Appends a header without its value.
pub(super) fn hidden(out: &mut Vec<u8>, name: &str) {
    write_name(out, name, HIDDEN);
}

/// Appends the end of a list.
pub(super) fn end(out: &mut Vec<u8>) {
    out.push(END);
}

fn write_name(out: &mut Vec<u8>, name: &str, hidden: u8) {
    let known = NAMES.iter().position(|known| *known == name);
    match known.and_then(|known| u8::try_from(known + 1).ok()) {
        Some(number) => out.push(number | hidden),
        None => {
            out.push(OTHER | hidden);
            encoding::text(out, name.as_bytes());
        }
    }
}

/// Reads a list up to its end.
pub(super) fn read(from: &mut Reader) -> Option<Vec<WireHeader>> {
    let mut headers = Vec::new();
    loop {
        let byte = from.byte()?;
        if byte == END {
            return Some(headers);
        }
        if let Some((name, value)) = packed::read(from, byte) {
            let name = name.to_owned();
            headers.push(WireHeader { name, value });
            continue;
        }
        let name = match usize::from(byte & !HIDDEN) {
            0 => from.text()?,
            number => (*NAMES.get(number - 1)?).to_owned(),
        };
        let value = if byte & HIDDEN == 0 {
            from.text()?
        } else {
            MASK.to_owned()
        };
        headers.push(WireHeader { name, value });
    }
}

/// The numbers of names come before those of shorter forms, and these before that of the end.
const _: () = assert!(NAMES.len() < packed::FIRST as usize && packed::AFTER <= END as usize);
