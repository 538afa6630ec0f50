//! The `standard` scheme: [Standard Webhooks] 1.0.
//!
//! | header | value |
//! |---|---|
//! | `webhook-id` | the event's id, the same in every attempt to deliver it; no full stop in it |
//! | `webhook-timestamp` | Unix seconds of this attempt |
//! | `webhook-signature` | signatures joined by spaces: `v1,` + base64, `v1a,` + base64 |
//!
//! Signed is `id.timestamp.body`. `v1` is HMAC-SHA256 under the bytes that the base64 behind
//! `whsec_` stands for, or the bytes of the secret text where it has no such prefix. `v1a` is
//! ed25519 and needs the feature `v1a`; without it, it is an unknown version like any other.
//!
//! While a secret is being replaced the list has a signature under each. Entries of unknown
//! versions are ignored, and any signature that is right is enough.
//!
//! ```
//! use webhook_signature::{Credential, Freshness, Message, Request, standard};
//!
//! let secret = Credential::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
//! let message = Message {
//!     id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
//!     timestamp: 1_614_265_330,
//!     body: br#"{"test": 2432232314}"#,
//! };
//! let list = standard::sign([&secret], &message)?;
//! assert_eq!(list, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
//!
//! let headers = [
//!     ("webhook-id", message.id),
//!     ("webhook-timestamp", "1614265330"),
//!     ("webhook-signature", list.as_str()),
//! ];
//! let request = Request::new(headers, message.body);
//! let now = Freshness::at(1_614_265_400);
//! assert_eq!(standard::verify([&secret], &request, now)?.id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com

use alloc::string::{String, ToString};

use crate::credential::Kind;
use crate::request::Name;
use crate::signatures::Signatures;
use crate::{Credential, Fault, Freshness, Message, Refusal, Request, Scheme, SignError};
use crate::{base64, hmac_sha256, request, tags, timestamp};

/// The name of the header that carries the event's id.
pub const ID: &str = "webhook-id";

/// The name of the header that carries the time.
pub const TIMESTAMP: &str = "webhook-timestamp";

/// The name of the header that carries the signatures.
pub const SIGNATURE: &str = "webhook-signature";

/// The longest id, in bytes.
pub const MAX_ID_BYTES: usize = 256;

/// What the signature of an accepted request vouches for, besides the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The event's id: what was processed under it need not be again.
    pub id: &'a str,
    /// When it was signed, in Unix seconds.
    pub at: i64,
}

/// The value of [`SIGNATURE`] for `message`: a signature under each of `keys`, in their order.
///
/// Keys that can only verify are passed over.
///
/// # Errors
///
/// [`SignError::Id`] or [`SignError::Timestamp`] if a receiver would refuse it,
/// [`SignError::NoKey`] if none of `keys` can sign.
pub fn sign<'k>(
    keys: impl IntoIterator<Item = &'k Credential>,
    message: &Message<'_>,
) -> Result<String, SignError> {
    sign_at(keys, message, &message.timestamp.to_string())
}

/// As [`sign`], with the time as it is written.
pub(crate) fn sign_at<'k>(
    keys: impl IntoIterator<Item = &'k Credential>,
    message: &Message<'_>,
    timestamp: &str,
) -> Result<String, SignError> {
    request::text(message.id.as_bytes())
        .and_then(check_id)
        .map_err(SignError::Id)?;
    if i64::try_from(message.timestamp).is_err() {
        return Err(SignError::Timestamp(Fault::OutOfRange));
    }
    let parts = signed_parts(message.id, timestamp, message.body);
    let mut list = String::new();
    for key in keys {
        push_signature(&mut list, key, &parts);
    }
    match list.is_empty() {
        true => Err(SignError::NoKey(Scheme::Standard)),
        false => Ok(list),
    }
}

/// Accepts `request` if one of its signatures is right under any of `keys`.
///
/// # Errors
///
/// Read in this order: [`ID`], [`TIMESTAMP`], [`SIGNATURE`]. Then [`Refusal::TooOld`] or
/// [`Refusal::TooNew`], and only then is anything hashed: [`Refusal::NoMatch`].
pub fn verify<'k, 'a>(
    keys: impl IntoIterator<Item = &'k Credential>,
    request: &Request<'a>,
    freshness: Freshness,
) -> Result<Signed<'a>, Refusal> {
    let id = request.required(Name::StandardId)?;
    check_id(id).map_err(|fault| Name::StandardId.malformed(fault))?;
    let timestamp = request.required(Name::StandardTimestamp)?;
    let at =
        timestamp::integer(timestamp).map_err(|fault| Name::StandardTimestamp.malformed(fault))?;
    let mut signatures = Signatures::default();
    signatures.read(request.required(Name::StandardSignature)?)?;
    freshness.check(at)?;
    let parts = signed_parts(id, timestamp, request.body());
    let mut keys = keys.into_iter();
    match keys.any(|key| any_matches(key, &parts, &signatures)) {
        true => Ok(Signed { id, at }),
        false => Err(Refusal::NoMatch),
    }
}

/// A full stop in the id would let bytes move between id, timestamp and body under one signature.
fn check_id(id: &str) -> Result<(), Fault> {
    if id.len() > MAX_ID_BYTES {
        return Err(Fault::Huge { max: MAX_ID_BYTES });
    }
    // Without an early end the compiler looks at many bytes at once.
    match id
        .bytes()
        .fold(false, |any, byte| any | matches!(byte, b'.' | b' '))
    {
        true => Err(Fault::IdForm),
        false => Ok(()),
    }
}

fn signed_parts<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

/// Adds the signature under `key`, if it can sign, to the entries in `list`.
fn push_signature(list: &mut String, key: &Credential, parts: &[&[u8]]) {
    match key.kind() {
        Kind::Shared(secret) => {
            push_version(list, "v1,", base64::TAG_CHARACTERS);
            base64::push_tag(
                list,
                &hmac_sha256::tag(secret.decoded(), parts).into_bytes(),
            );
        }
        #[cfg(feature = "v1a")]
        Kind::Signing(key) => {
            let signature = base64::encode(&key.sign(parts));
            push_version(list, "v1a,", signature.len());
            list.push_str(&signature);
        }
        #[cfg(feature = "v1a")]
        Kind::Public(_) => {}
    }
}

fn push_version(list: &mut String, version: &str, characters: usize) {
    match list.is_empty() {
        true => list.reserve_exact(version.len() + characters),
        false => list.push(' '),
    }
    list.push_str(version);
}

fn any_matches(key: &Credential, parts: &[&[u8]], signatures: &Signatures) -> bool {
    match key.kind() {
        Kind::Shared(secret) => {
            let tags = &signatures.v1;
            !tags.is_empty() && tags::any_matches([secret.decoded()], parts, tags.iter())
        }
        #[cfg(feature = "v1a")]
        Kind::Signing(key) => key.public().verifies_any(parts, &signatures.v1a),
        #[cfg(feature = "v1a")]
        Kind::Public(key) => key.verifies_any(parts, &signatures.v1a),
    }
}
