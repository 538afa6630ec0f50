//! What a request claims about its body, and whether that is so.

use crate::key::Key;
use crate::scheme::strongest_present;
use crate::{Platform, Refusal, Request, Scheme};

/// The hexadecimal digits of an HMAC-SHA256.
const TAG_DIGITS: usize = 64;

/// A signature as the headers carry it: well-formed, and not verified yet.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// `plain`: the tag of the raw body.
    Plain {
        /// 64 hexadecimal digits in either case.
        tag: String,
    },
}

impl Claim {
    /// Reads the headers of the strongest scheme there is.
    pub fn of(request: &impl Request) -> Result<Self, Refusal> {
        let (scheme, values) = strongest_present(request)?;
        match scheme {
            Scheme::Plain => plain(values),
            Scheme::Standard | Scheme::Wss => Err(Refusal::UnsupportedScheme(scheme)),
        }
    }

    /// The signature for the log.
    pub fn tag(&self) -> &str {
        match self {
            Self::Plain { tag } => tag,
        }
    }

    /// Whether the signature is the one of the body under the key.
    pub fn holds(&self, body: &[u8], key: &Key, platform: &impl Platform) -> bool {
        match self {
            Self::Plain { tag } => platform.verify(body, key.as_bytes(), tag.as_bytes()),
        }
    }
}

/// Two signatures are refused even if they are alike: which of them an intermediary looked at is
/// anybody's guess.
fn plain(mut values: Vec<Vec<u8>>) -> Result<Claim, Refusal> {
    let scheme = Scheme::Plain;
    let count = values.len();
    let Some(value) = values.pop().filter(|_| count == 1) else {
        return Err(Refusal::DuplicateSignature { scheme, count });
    };
    if value.len() != TAG_DIGITS || !value.iter().all(u8::is_ascii_hexdigit) {
        return Err(Refusal::MalformedSignature(scheme));
    }
    let tag = String::from_utf8(value).map_err(|_| Refusal::MalformedSignature(scheme))?;
    Ok(Claim::Plain { tag })
}
