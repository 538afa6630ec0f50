//! The headers that a sender puts on a request.

use core::error::Error;
use core::fmt;

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use crate::{Credential, Fault, Key, Scheme, plain, standard, timestamp, wss};

/// What is signed.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The event's id, the same in every attempt to deliver it. Only `standard` looks at it.
    pub id: &'a str,
    /// When this attempt is made, in Unix seconds. `plain` does not look at it.
    pub timestamp: u64,
    /// The body, byte for byte as it is sent.
    pub body: &'a [u8],
}

/// A header as it is sent: its name and its value.
pub type Header = (&'static str, String);

/// Why a message was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignError {
    /// A receiver would refuse the id.
    Id(Fault),
    /// The scheme has no way to write the time.
    Timestamp(Fault),
    /// None of the keys signs for this scheme.
    NoKey(Scheme),
}

/// The headers of `scheme` for `message`, signed with `keys`, the newest first.
///
/// While a secret is being replaced, give the one before as well: `standard` then carries a
/// signature under each key, `wss` one under the newest and one under the next, and `plain`, which
/// has no room for more, one under the newest. Keys of a kind that a scheme does not sign with are
/// passed over.
///
/// ```
/// use webhook_signature::{Credential, Message, Scheme, sign};
///
/// let (new, old) = (Credential::parse("this year's")?, Credential::parse("last year's")?);
/// let message = Message { id: "evt_1", timestamp: 1_614_265_330, body: b"{}" };
/// let headers = sign(Scheme::Wss, &[new, old], &message)?;
/// let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
/// assert_eq!(names, ["X-WSS-Timestamp", "X-WSS-Signature", "X-WSS-Signature-Previous"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// A [`SignError`].
pub fn sign(
    scheme: Scheme,
    keys: &[Credential],
    message: &Message<'_>,
) -> Result<Vec<Header>, SignError> {
    match scheme {
        Scheme::Plain => plain_headers(keys, message),
        Scheme::Wss => wss_headers(keys, message),
        Scheme::Standard => standard_headers(keys, message),
    }
}

fn plain_headers(keys: &[Credential], message: &Message<'_>) -> Result<Vec<Header>, SignError> {
    let key = shared(keys).next().ok_or(SignError::NoKey(Scheme::Plain))?;
    Ok(vec![(plain::HEADER, plain::sign(key, message.body))])
}

fn wss_headers(keys: &[Credential], message: &Message<'_>) -> Result<Vec<Header>, SignError> {
    let timestamp = timestamp::ten_digits(message.timestamp).map_err(SignError::Timestamp)?;
    let mut tags = shared(keys).map(|key| wss::tag_at(key, &timestamp, message.body));
    let newest = tags.next().ok_or(SignError::NoKey(Scheme::Wss))?;
    let previous = tags.next();
    let mut headers = vec![(wss::TIMESTAMP, timestamp), (wss::SIGNATURE, newest)];
    headers.extend(previous.map(|tag| (wss::PREVIOUS, tag)));
    Ok(headers)
}

fn standard_headers(keys: &[Credential], message: &Message<'_>) -> Result<Vec<Header>, SignError> {
    let timestamp = message.timestamp.to_string();
    let list = standard::sign_at(keys, message, &timestamp)?;
    Ok(vec![
        (standard::ID, message.id.into()),
        (standard::TIMESTAMP, timestamp),
        (standard::SIGNATURE, list),
    ])
}

fn shared(keys: &[Credential]) -> impl Iterator<Item = &Key> {
    keys.iter().filter_map(Credential::written)
}

impl SignError {
    /// A code to branch on, of lower-case words joined by hyphens. It stays the same for good.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Id(_) => "bad-id",
            Self::Timestamp(_) => "bad-timestamp",
            Self::NoKey(_) => "no-key",
        }
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(fault) => write!(f, "the message's id cannot be signed: {fault}"),
            Self::Timestamp(fault) => {
                write!(f, "the message's timestamp cannot be signed: {fault}")
            }
            Self::NoKey(scheme) => write!(f, "no key signs for scheme `{}`", scheme.name()),
        }
    }
}

impl Error for SignError {}
