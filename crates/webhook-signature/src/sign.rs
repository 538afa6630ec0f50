//! Creation of the headers of a signed request.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use crate::{Credential, Header, Key, Message, Scheme, SignError, plain, standard, timestamp, wss};

/// Returns the headers of `scheme` for `message`, signed with `keys`, the newest first.
///
/// While a secret is being rotated, pass the previous one as well: `standard` then has a signature
/// under each key, `wss` one under the newest and one under the next, and `plain`, which has only
/// one header, one under the newest. Keys of a kind that a scheme does not sign with are skipped.
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
/// Returns a [`SignError`] if the id or the timestamp is invalid or no key can sign.
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
