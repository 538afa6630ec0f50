//! The schemes by name, and which of them is stronger.

use crate::request::Name;

/// A way of signing a webhook. The order is that of strength: `Plain` is the least.
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
    /// [`wss`](crate::wss): time and body.
    Wss,
    /// [`standard`](crate::standard): id, time and body, as Standard Webhooks 1.0 has it.
    Standard,
}

impl Scheme {
    /// Every scheme, the strongest first.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Wss, Self::Plain];

    /// The scheme's name, as configurations and interfaces write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Wss => "wss",
            Self::Standard => "standard",
        }
    }

    /// The scheme of this [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// The header that carries the scheme's signature. A request that has it is held to the
    /// scheme.
    pub fn header(self) -> &'static str {
        self.signature().text()
    }

    pub(crate) fn signature(self) -> Name {
        match self {
            Self::Plain => Name::Plain,
            Self::Wss => Name::WssSignature,
            Self::Standard => Name::StandardSignature,
        }
    }
}
