//! The `standard` scheme: [Standard Webhooks] 1.0.
//!
//! | header | value |
//! |---|---|
//! | `webhook-id` | the event's id, which stays the same in every attempt; it has no full stop |
//! | `webhook-timestamp` | the time of this attempt in Unix seconds |
//! | `webhook-signature` | signatures separated by spaces: `v1,` + base64, `v1a,` + base64 |
//!
//! The signed text is `id.timestamp.body`. `v1` is HMAC-SHA256; its key is the decoded base64 behind
//! `whsec_`, or the bytes of the secret text if it has no such prefix. `v1a` is ed25519 and needs
//! the feature `v1a`; without the feature, it is ignored like any unknown version.
//!
//! While a secret is being rotated, the list has a signature under each secret. Entries of unknown
//! versions are ignored, and one valid signature is enough.
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
use crate::header::{self, HeaderName};
use crate::signatures::Signatures;
use crate::{Credential, Fault, Freshness, Message, Refusal, Request, Scheme, SignError};
use crate::{base64, tags, timestamp};

/// The name of the header that carries the event's id.
pub const ID: &str = HeaderName::StandardId.text();

/// The name of the header that carries the timestamp.
pub const TIMESTAMP: &str = HeaderName::StandardTimestamp.text();

/// The name of the header that carries the signatures.
pub const SIGNATURE: &str = HeaderName::StandardSignature.text();

/// The maximum length of an id in bytes.
pub const MAX_ID_BYTES: usize = 256;

/// The signed properties of an accepted request, besides the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The event's id. A receiver can skip an id that it has processed.
    pub id: &'a str,
    /// The time of signing, in Unix seconds.
    pub at: i64,
}

/// Returns the value of [`SIGNATURE`] for `message`: a signature under each of `keys`, in order.
///
/// Keys that can only verify are skipped.
///
/// # Errors
///
/// Returns [`SignError::Id`] or [`SignError::Timestamp`] if a receiver would reject the value, and
/// [`SignError::NoKey`] if none of `keys` can sign.
pub fn sign<'k>(
    keys: impl IntoIterator<Item = &'k Credential>,
    message: &Message<'_>,
) -> Result<String, SignError> {
    sign_at(keys, message, &message.timestamp.to_string())
}

/// Signs with a timestamp that is already formatted.
pub(crate) fn sign_at<'k>(
    keys: impl IntoIterator<Item = &'k Credential>,
    message: &Message<'_>,
    timestamp: &str,
) -> Result<String, SignError> {
    header::text(message.id.as_bytes())
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
    if list.is_empty() {
        Err(SignError::NoKey(Scheme::Standard))
    } else {
        Ok(list)
    }
}

/// Accepts `request` if one of its signatures is valid under any of `keys`.
///
/// # Errors
///
/// The headers are checked in this order: [`ID`], [`TIMESTAMP`], [`SIGNATURE`]. Returns
/// [`Refusal::TooOld`] or [`Refusal::TooNew`] next, before anything is hashed, and
/// [`Refusal::NoMatch`] last.
pub fn verify<'k, 'a>(
    keys: impl IntoIterator<Item = &'k Credential>,
    request: &Request<'a>,
    freshness: Freshness,
) -> Result<Signed<'a>, Refusal> {
    let id = request.required(HeaderName::StandardId)?;
    check_id(id).map_err(|fault| HeaderName::StandardId.malformed(fault))?;
    let timestamp = request.required(HeaderName::StandardTimestamp)?;
    let at = timestamp::integer(timestamp)
        .map_err(|fault| HeaderName::StandardTimestamp.malformed(fault))?;
    let mut signatures = Signatures::default();
    signatures.read(request.required(HeaderName::StandardSignature)?)?;
    freshness.check(at)?;
    let parts = signed_parts(id, timestamp, request.body());
    let mut keys = keys.into_iter();
    if keys.any(|key| any_matches(key, &parts, &signatures)) {
        Ok(Signed { id, at })
    } else {
        Err(Refusal::NoMatch)
    }
}

/// Rejects a full stop in the id: it would let bytes move between id, timestamp and body under one
/// signature.
fn check_id(id: &str) -> Result<(), Fault> {
    if id.len() > MAX_ID_BYTES {
        return Err(Fault::Huge { max: MAX_ID_BYTES });
    }
    // Without an early exit the compiler can vectorize the loop.
    let malformed = id
        .bytes()
        .fold(false, |any, byte| any | matches!(byte, b'.' | b' '));
    if malformed {
        Err(Fault::IdForm)
    } else {
        Ok(())
    }
}

fn signed_parts<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

/// Appends the signature under `key`, if it can sign, to `list`.
fn push_signature(list: &mut String, key: &Credential, parts: &[&[u8]]) {
    match key.kind() {
        Kind::Shared(secret) => {
            push_version(list, "v1,", base64::TAG_CHARACTERS);
            base64::push_tag(list, &secret.decoded().tag(parts).into_bytes());
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
    if list.is_empty() {
        list.reserve_exact(version.len() + characters);
    } else {
        list.push(' ');
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
