//! What a request says about its signature.

use crate::{Fault, Refusal, plain, standard, wss};

/// The longest header value that is looked into, in bytes.
///
/// It bounds the work that a stranger can ask for: a signature list of this length has room for
/// more signatures than any rotation needs.
pub const MAX_HEADER_BYTES: usize = 2048;

/// The headers of any scheme.
const NAMES: [&str; 7] = [
    standard::SIGNATURE,
    standard::ID,
    standard::TIMESTAMP,
    wss::SIGNATURE,
    wss::PREVIOUS,
    wss::TIMESTAMP,
    plain::HEADER,
];

/// A request as it is verified: those of its headers that bear on a signature, and its raw body.
///
/// Names are compared without regard to case. Nothing is copied, and nothing is judged before a
/// scheme asks for it.
///
/// ```
/// use signature::Request;
///
/// let headers = [("content-type", "text/plain"), ("x-signature", "5BDCC146")];
/// let request = Request::new(headers, b"what do ya want for nothing?");
/// ```
#[derive(Clone, Copy)]
pub struct Request<'a> {
    headers: [(&'static str, Found<'a>); NAMES.len()],
    body: &'a [u8],
}

/// What there is under one name.
#[derive(Clone, Copy)]
enum Found<'a> {
    Nothing,
    Once(&'a [u8]),
    Repeated,
}

impl<'a> Request<'a> {
    /// The request with these headers, in any order, and this body.
    ///
    /// A name that comes twice has to be given twice: joining its values would hide it.
    pub fn new<'n, 'h: 'a, V>(
        headers: impl IntoIterator<Item = (&'n str, &'h V)>,
        body: &'a [u8],
    ) -> Self
    where
        V: AsRef<[u8]> + ?Sized + 'h,
    {
        let mut found = NAMES.map(|name| (name, Found::Nothing));
        for (name, value) in headers {
            let slot = found
                .iter_mut()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            if let Some((_, found)) = slot {
                *found = match found {
                    Found::Nothing => Found::Once(value.as_ref()),
                    Found::Once(_) | Found::Repeated => Found::Repeated,
                };
            }
        }
        Self {
            headers: found,
            body,
        }
    }

    pub(crate) fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Whether the header is there, however often and whatever it holds.
    pub(crate) fn has(&self, name: &str) -> bool {
        !matches!(self.find(name), Found::Nothing)
    }

    /// The text of a header that has to be there.
    pub(crate) fn required(&self, header: &'static str) -> Result<&'a str, Refusal> {
        self.optional(header)?.ok_or(Refusal::MissingHeader(header))
    }

    /// The text of a header that may be there: once, not empty, bounded and printable ASCII.
    pub(crate) fn optional(&self, header: &'static str) -> Result<Option<&'a str>, Refusal> {
        let text = match self.find(header) {
            Found::Nothing => return Ok(None),
            Found::Once(value) => text(value),
            Found::Repeated => Err(Fault::Repeated),
        };
        text.map(Some)
            .map_err(|fault| Refusal::MalformedHeader { header, fault })
    }

    fn find(&self, name: &str) -> Found<'a> {
        self.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(Found::Nothing, |(_, found)| *found)
    }
}

/// The text of a header's value: not empty, bounded and printable ASCII.
pub(crate) fn text(value: &[u8]) -> Result<&str, Fault> {
    if value.is_empty() {
        return Err(Fault::Empty);
    }
    if value.len() > MAX_HEADER_BYTES {
        return Err(Fault::Huge {
            max: MAX_HEADER_BYTES,
        });
    }
    let printable = |byte: &u8| matches!(byte, b' '..=b'~');
    // Without an early end the compiler looks at many bytes at once.
    let all_printable = value.iter().fold(true, |all, byte| all & printable(byte));
    match core::str::from_utf8(value) {
        Ok(text) if all_printable => Ok(text),
        _ => Err(Fault::NotAscii {
            index: value.iter().take_while(|byte| printable(byte)).count(),
        }),
    }
}
