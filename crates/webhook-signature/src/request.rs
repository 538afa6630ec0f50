//! What a request says about its signature.

use crate::{Fault, Refusal, plain, standard, timestamp, wss};

/// The longest header value that is looked into, in bytes.
///
/// It bounds the work that a stranger can ask for: a signature list of this length has room for
/// more signatures than any rotation needs.
pub const MAX_HEADER_BYTES: usize = 2048;

/// A header of any scheme. A request keeps what it holds at this place.
#[derive(Clone, Copy)]
pub(crate) enum Name {
    StandardSignature,
    StandardId,
    StandardTimestamp,
    WssSignature,
    WssPrevious,
    WssTimestamp,
    Plain,
    /// Of no scheme here; it tells what a sender of Svix meant.
    Svix,
}

/// The names, each in its place.
const NAMES: [&str; 8] = [
    standard::SIGNATURE,
    standard::ID,
    standard::TIMESTAMP,
    wss::SIGNATURE,
    wss::PREVIOUS,
    wss::TIMESTAMP,
    plain::HEADER,
    "svix-signature",
];

impl Name {
    pub(crate) fn text(self) -> &'static str {
        NAMES[self as usize]
    }

    pub(crate) fn malformed(self, fault: Fault) -> Refusal {
        Refusal::MalformedHeader {
            header: self.text(),
            fault,
        }
    }
}

/// A request as it is verified: those of its headers that bear on a signature, and its raw body.
///
/// Names are compared without regard to case. Nothing is copied, and nothing is judged before a
/// scheme asks for it.
///
/// ```
/// use webhook_signature::Request;
///
/// let headers = [("content-type", "text/plain"), ("x-signature", "5BDCC146")];
/// let request = Request::new(headers, b"what do ya want for nothing?");
/// ```
#[derive(Clone, Copy)]
pub struct Request<'a> {
    headers: [Found<'a>; NAMES.len()],
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
        let mut request = Self {
            headers: [Found::Nothing; NAMES.len()],
            body,
        };
        for (name, value) in headers {
            request.add(name, value.as_ref());
        }
        request
    }

    fn add(&mut self, name: &str, value: &'a [u8]) {
        let mut places = NAMES.iter().zip(&mut self.headers);
        if let Some((_, found)) = places.find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            *found = match found {
                Found::Nothing => Found::Once(value),
                Found::Once(_) | Found::Repeated => Found::Repeated,
            };
        }
    }

    /// Returns what the sender probably did wrong, where the headers show more of it than `refusal`
    /// says. It is for people, and holds nothing of the request.
    ///
    /// ```
    /// use webhook_signature::{Credential, Freshness, Request, Scheme, verify};
    ///
    /// let keys = [Credential::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?];
    /// let headers = [("svix-id", "msg_1"), ("svix-signature", "v1,…")];
    /// let request = Request::new(headers, b"{}");
    /// let refusal = verify(&keys, &request, Freshness::at(0), Scheme::Standard).unwrap_err();
    /// assert!(request.likely_mistake(refusal).unwrap().contains("`svix-signature`"));
    /// # Ok::<(), webhook_signature::CredentialError>(())
    /// ```
    pub fn likely_mistake(&self, refusal: Refusal) -> Option<&'static str> {
        match refusal {
            Refusal::MissingHeader(_) if self.has(Name::Svix) => Some(
                "the request has `svix-id`, `svix-timestamp` and `svix-signature`, which are read \
                 here as `webhook-id`, `webhook-timestamp` and `webhook-signature`",
            ),
            Refusal::TooNew if self.is_in_milliseconds() => {
                Some("`webhook-timestamp` is in milliseconds and is counted in seconds")
            }
            _ => None,
        }
    }

    fn is_in_milliseconds(&self) -> bool {
        let time = self.optional(Name::StandardTimestamp).ok().flatten();
        time.is_some_and(timestamp::is_in_milliseconds)
    }

    pub(crate) fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Whether the header is there, however often and whatever it holds.
    pub(crate) fn has(&self, name: Name) -> bool {
        !matches!(self.headers[name as usize], Found::Nothing)
    }

    /// The text of a header that has to be there.
    pub(crate) fn required(&self, name: Name) -> Result<&'a str, Refusal> {
        self.optional(name)?
            .ok_or(Refusal::MissingHeader(name.text()))
    }

    /// The text of a header that may be there: once, not empty, bounded and printable ASCII.
    pub(crate) fn optional(&self, name: Name) -> Result<Option<&'a str>, Refusal> {
        let text = match self.headers[name as usize] {
            Found::Nothing => return Ok(None),
            Found::Once(value) => text(value),
            Found::Repeated => Err(Fault::Repeated),
        };
        text.map(Some).map_err(|fault| name.malformed(fault))
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
