//! The `wss` scheme: the HMAC-SHA256 of time and body, in headers that begin with `X-WSS-`.
//!
//! | header | value |
//! |---|---|
//! | `X-WSS-Timestamp` | ten decimal digits of Unix seconds, or RFC 3339 in UTC: `2021-02-25T15:02:10Z` |
//! | `X-WSS-Signature` | 64 hex digits, lower-case as they are made here; either case is accepted |
//! | `X-WSS-Signature-Previous` | the same under the secret before, while one is being replaced |
//!
//! Signed are the bytes of the timestamp header, then the raw body, with nothing between them. That
//! is safe because a timestamp of any other form is refused before anything is hashed. The key's
//! bytes are the UTF-8 bytes of the secret text exactly as it was handed out.
//!
//! ```
//! use webhook_signature::{Freshness, Key, Request, wss};
//!
//! let key = Key::from_text("correct horse battery staple");
//! let tag = wss::sign(&key, "1614265330", br#"{"test": 2432232314}"#).unwrap();
//! assert_eq!(tag, "8f9edf2ec9641a7b4f6edce9f027cde56b2d5065d608a9f9cb8433504e59b21d");
//!
//! let headers = [("X-WSS-Timestamp", "1614265330"), ("X-WSS-Signature", tag.as_str())];
//! let request = Request::new(headers, br#"{"test": 2432232314}"#);
//! let now = Freshness::at(1_614_265_400);
//! assert_eq!(wss::verify([&key], &request, now), Ok(1_614_265_330));
//! ```

use alloc::string::String;

use crate::hmac_sha256::{self, TAG_BYTES};
use crate::request::Name;
use crate::{Fault, Freshness, Key, Refusal, Request, hex, tags, timestamp};

/// The name of the header that carries the time.
pub const TIMESTAMP: &str = "X-WSS-Timestamp";

/// The name of the header that carries the tag.
pub const SIGNATURE: &str = "X-WSS-Signature";

/// The name of the header that carries the tag under the previous secret, where there is one.
pub const PREVIOUS: &str = "X-WSS-Signature-Previous";

/// The tag of `body`, signed at `timestamp`: 64 lower-case hex digits.
///
/// `timestamp` is the text of the header, byte for byte.
///
/// # Errors
///
/// What is wrong with `timestamp`, if a receiver would refuse it.
pub fn sign(key: &Key, timestamp: &str, body: &[u8]) -> Result<String, Fault> {
    timestamp::ten_digits_or_rfc_3339(timestamp)?;
    Ok(tag_at(key, timestamp, body))
}

/// As [`sign`], at a time that is known to be well written.
pub(crate) fn tag_at(key: &Key, timestamp: &str, body: &[u8]) -> String {
    let tag = hmac_sha256::tag(key, &[timestamp.as_bytes(), body]);
    base16ct::lower::encode_string(&tag.into_bytes())
}

/// Accepts `request` if one of its tags is right under any of `keys`, and answers when it was
/// signed, in Unix seconds.
///
/// # Errors
///
/// Read in this order: [`TIMESTAMP`], [`SIGNATURE`], [`PREVIOUS`], which alone may be missing. Then
/// [`Refusal::TooOld`] or [`Refusal::TooNew`], and only then is anything hashed:
/// [`Refusal::NoMatch`].
pub fn verify<'k>(
    keys: impl IntoIterator<Item = &'k Key>,
    request: &Request<'_>,
    freshness: Freshness,
) -> Result<i64, Refusal> {
    let timestamp = request.required(Name::WssTimestamp)?;
    let signed_at = timestamp::ten_digits_or_rfc_3339(timestamp)
        .map_err(|fault| Name::WssTimestamp.malformed(fault))?;
    let tag = read(Name::WssSignature, request.required(Name::WssSignature)?)?;
    let previous = request
        .optional(Name::WssPrevious)?
        .map(|text| read(Name::WssPrevious, text))
        .transpose()?;
    freshness.check(signed_at)?;
    let parts = [timestamp.as_bytes(), request.body()];
    let tags = [Some(tag), previous];
    match tags::any_matches(keys, &parts, tags.iter().flatten()) {
        true => Ok(signed_at),
        false => Err(Refusal::NoMatch),
    }
}

fn read(header: Name, text: &str) -> Result<[u8; TAG_BYTES], Refusal> {
    hex::decode(text.as_bytes()).map_err(|fault| header.malformed(fault))
}
