//! The schemes by name and by strength.

use crate::header::HeaderName;

/// A way of signing a webhook, ordered by strength: `Plain` is the weakest.
///
/// ```
/// use webhook_signature::Scheme;
///
/// assert!(Scheme::Plain < Scheme::Wss && Scheme::Wss < Scheme::Standard);
/// assert_eq!(Scheme::from_name("wss"), Some(Scheme::Wss));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// [`plain`](crate::plain): the body alone is signed.
    Plain,
    /// [`wss`](crate::wss): timestamp and body are signed.
    Wss,
    /// [`standard`](crate::standard): id, timestamp and body are signed (Standard Webhooks 1.0).
    Standard,
}

impl Scheme {
    /// Every scheme, the strongest first.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Wss, Self::Plain];

    /// Returns the scheme's name, as configurations and interfaces write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Wss => "wss",
            Self::Standard => "standard",
        }
    }

    /// Returns the scheme with this [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Returns the header that carries the scheme's signature. A request with this header must
    /// satisfy the scheme.
    pub fn header(self) -> &'static str {
        self.signature().text()
    }

    pub(crate) fn signature(self) -> HeaderName {
        match self {
            Self::Plain => HeaderName::Plain,
            Self::Wss => HeaderName::WssSignature,
            Self::Standard => HeaderName::StandardSignature,
        }
    }
}
