//! Conversion of schemes.

use crate::world::signatures::types::Scheme;

impl From<Scheme> for webhook_signature::Scheme {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Plain => Self::Plain,
            Scheme::Wss => Self::Wss,
            Scheme::Standard => Self::Standard,
        }
    }
}

impl From<webhook_signature::Scheme> for Scheme {
    fn from(scheme: webhook_signature::Scheme) -> Self {
        match scheme {
            webhook_signature::Scheme::Plain => Self::Plain,
            webhook_signature::Scheme::Wss => Self::Wss,
            webhook_signature::Scheme::Standard => Self::Standard,
        }
    }
}
