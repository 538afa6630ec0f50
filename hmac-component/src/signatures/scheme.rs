//! The schemes' names on both sides.

use crate::world::signatures::types::Scheme;

impl From<Scheme> for signature::Scheme {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Plain => Self::Plain,
            Scheme::Wss => Self::Wss,
            Scheme::Standard => Self::Standard,
        }
    }
}

impl From<signature::Scheme> for Scheme {
    fn from(scheme: signature::Scheme) -> Self {
        match scheme {
            signature::Scheme::Plain => Self::Plain,
            signature::Scheme::Wss => Self::Wss,
            signature::Scheme::Standard => Self::Standard,
        }
    }
}
