//! The signature schemes, and which of them a request is held to.

use crate::{Refusal, Request};

/// A way of signing a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Standard Webhooks 1.0.
    Standard,
    /// Timestamp and body.
    Wss,
    /// The body alone.
    Plain,
}

/// What is verified here, the strongest first.
const VERIFIED: [Scheme; 1] = [Scheme::Plain];

/// What is only recognised, so that it can be refused by its name.
const RECOGNISED: [Scheme; 2] = [Scheme::Standard, Scheme::Wss];

impl Scheme {
    /// The name of the header that carries the signature.
    pub fn header(self) -> &'static str {
        match self {
            Self::Standard => "webhook-signature",
            Self::Wss => "X-WSS-Signature",
            Self::Plain => "X-Signature",
        }
    }
}

/// The strongest scheme that the request carries and that is verified here, with the values of
/// its signature header (one at least).
///
/// It alone decides: where its signature turns out to be bad, no weaker one is tried, or whoever
/// can strip or spoil a header could choose the scheme.
pub fn strongest_present(request: &impl Request) -> Result<(Scheme, Vec<Vec<u8>>), Refusal> {
    for scheme in VERIFIED {
        let values = request.header(scheme.header());
        if !values.is_empty() {
            return Ok((scheme, values));
        }
    }
    let recognised = RECOGNISED
        .into_iter()
        .find(|scheme| !request.header(scheme.header()).is_empty());
    Err(recognised.map_or(Refusal::MissingSignature, Refusal::UnsupportedScheme))
}
