//! A single reference.

use crate::{Bodies, Form};

/// Header names and values, in the order of the request.
pub type Headers = Vec<(String, String)>;

/// A message to sign.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The event's id.
    pub id: &'a str,
    /// The timestamp in Unix seconds.
    pub timestamp: u64,
    /// The raw body.
    pub body: &'a [u8],
}

/// A request to verify.
#[derive(Clone)]
pub struct Request {
    /// The headers.
    pub headers: Headers,
    /// The raw body.
    pub body: Vec<u8>,
}

/// Another implementation of one form.
pub struct Reference {
    /// Its origin and name: `PyPI svix`.
    pub name: &'static str,
    /// The form that it signs and verifies.
    pub form: Form,
    /// The bodies that it supports.
    pub bodies: Bodies,
    /// `true` if it can sign as well.
    pub signs: bool,
    /// `true` if it checks the timestamp with the clock of the machine. The others only check the tag.
    pub has_clock: bool,
    pub(crate) backend: Box<dyn Backend>,
}

/// The interface to an implementation. For `v1a`, `secret` is the `whsk_` text to sign, and the
/// `whpk_` text to verify.
pub(crate) trait Backend {
    fn sign(&self, form: Form, secret: &str, message: Message<'_>) -> Headers;
    fn verify(&self, form: Form, secret: &str, request: &Request) -> bool;
}

impl Reference {
    /// Signs a message.
    ///
    /// # Panics
    /// Panics if it fails.
    pub fn sign(&self, secret: &str, message: Message<'_>) -> Headers {
        self.backend.sign(self.form, secret, message)
    }

    /// Verifies a request.
    pub fn accepts(&self, secret: &str, request: &Request) -> bool {
        self.backend.verify(self.form, secret, request)
    }

    /// Returns true if it supports `body`.
    pub fn supports(&self, body: &[u8]) -> bool {
        Bodies::of(body) <= self.bodies
    }
}

/// Returns the value of a header, or an empty text if there is none.
pub fn header<'a>(headers: &'a Headers, name: &str) -> &'a str {
    headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or("", |(_, value)| value)
}

/// Returns the bytes that `standard` signs.
pub(crate) fn standard_content(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

pub(crate) fn standard_headers(message: Message<'_>, signature: String) -> Headers {
    vec![
        ("webhook-id".to_owned(), message.id.to_owned()),
        (
            "webhook-timestamp".to_owned(),
            message.timestamp.to_string(),
        ),
        ("webhook-signature".to_owned(), signature),
    ]
}
