//! One judge.

use crate::{Bodies, Form};

/// Names and values, in the order of the request.
pub type Headers = Vec<(String, String)>;

/// What a judge is to sign.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The event's id.
    pub id: &'a str,
    /// Unix seconds.
    pub timestamp: u64,
    /// The raw body.
    pub body: &'a [u8],
}

/// What a judge is to verify.
#[derive(Clone)]
pub struct Request {
    /// Its headers.
    pub headers: Headers,
    /// Its raw body.
    pub body: Vec<u8>,
}

/// An implementation in one form.
pub struct Judge {
    /// Where it is from and what it is called: `PyPI svix`.
    pub name: &'static str,
    /// What it signs and verifies.
    pub form: Form,
    /// Which bodies it can be asked about.
    pub bodies: Bodies,
    /// Whether it signs as well.
    pub signs: bool,
    /// Whether it looks at the time, by the clock of the machine. The others are told the bytes
    /// and judge nothing else.
    pub has_clock: bool,
    pub(crate) voice: Box<dyn Voice>,
}

/// How a judge is asked. `secret` is what it has been handed: for `v1a` the `whsk_` text to sign
/// with, and the `whpk_` text to verify with.
pub(crate) trait Voice {
    fn sign(&self, form: Form, secret: &str, message: Message<'_>) -> Headers;
    fn verify(&self, form: Form, secret: &str, request: &Request) -> bool;
}

impl Judge {
    /// Has it sign.
    ///
    /// # Panics
    /// When it cannot.
    pub fn sign(&self, secret: &str, message: Message<'_>) -> Headers {
        self.voice.sign(self.form, secret, message)
    }

    /// Has it verify.
    pub fn accepts(&self, secret: &str, request: &Request) -> bool {
        self.voice.verify(self.form, secret, request)
    }

    /// Whether it can be asked about `body`.
    pub fn takes(&self, body: &[u8]) -> bool {
        Bodies::of(body) <= self.bodies
    }
}

/// The value of a header, or the empty text where there is none.
pub fn header<'a>(headers: &'a Headers, name: &str) -> &'a str {
    headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or("", |(_, value)| value)
}

/// The bytes that `standard` signs.
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
