//! The `wss` scheme: the HMAC-SHA256 of timestamp and body, in headers that begin with `X-WSS-`.
//!
//! | header | value |
//! |---|---|
//! | `X-WSS-Timestamp` | ten decimal digits of Unix seconds, or RFC 3339 in UTC: `2021-02-25T15:02:10Z` |
//! | `X-WSS-Signature` | 64 hex digits, which [`sign`] writes in lower case; either case is accepted |
//! | `X-WSS-Signature-Previous` | the tag under the previous secret, while a secret is being rotated |
//!
//! The signed bytes are those of the timestamp header, then the raw body, with nothing between them.
//! This is safe because a timestamp of any other format is rejected before anything is hashed. The
//! key's bytes are the UTF-8 bytes of the secret text exactly as it was issued.
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

use crate::header::HeaderName;
use crate::hmac_sha256::TAG_BYTES;
use crate::{Fault, Freshness, Key, Refusal, Request, hex, tags, timestamp};

/// The name of the header that carries the timestamp.
pub const TIMESTAMP: &str = HeaderName::WssTimestamp.text();

/// The name of the header that carries the tag.
pub const SIGNATURE: &str = HeaderName::WssSignature.text();

/// The name of the header that carries the tag under the previous secret, if there is one.
pub const PREVIOUS: &str = HeaderName::WssPrevious.text();

/// Returns the tag of `body`, signed at `timestamp`: 64 lower-case hex digits.
///
/// `timestamp` is the exact text of the header.
///
/// # Errors
///
/// Returns the fault of `timestamp`, if a receiver would reject it.
pub fn sign(key: &Key, timestamp: &str, body: &[u8]) -> Result<String, Fault> {
    timestamp::ten_digits_or_rfc_3339(timestamp)?;
    Ok(tag_at(key, timestamp, body))
}

/// Signs with a timestamp that is known to be well-formed.
pub(crate) fn tag_at(key: &Key, timestamp: &str, body: &[u8]) -> String {
    let tag = key.tag(&[timestamp.as_bytes(), body]);
    base16ct::lower::encode_string(&tag.into_bytes())
}

/// Accepts `request` if one of its tags is valid under any of `keys`, and returns the time of
/// signing, in Unix seconds.
///
/// # Errors
///
/// The headers are checked in this order: [`TIMESTAMP`], [`SIGNATURE`], [`PREVIOUS`] (optional).
/// Returns [`Refusal::TooOld`] or [`Refusal::TooNew`] next, before anything is hashed, and
/// [`Refusal::NoMatch`] last.
pub fn verify<'k>(
    keys: impl IntoIterator<Item = &'k Key>,
    request: &Request<'_>,
    freshness: Freshness,
) -> Result<i64, Refusal> {
    let timestamp = request.required(HeaderName::WssTimestamp)?;
    let signed_at = timestamp::ten_digits_or_rfc_3339(timestamp)
        .map_err(|fault| HeaderName::WssTimestamp.malformed(fault))?;
    let tag = read(
        HeaderName::WssSignature,
        request.required(HeaderName::WssSignature)?,
    )?;
    let previous = request
        .optional(HeaderName::WssPrevious)?
        .map(|text| read(HeaderName::WssPrevious, text))
        .transpose()?;
    freshness.check(signed_at)?;
    let parts = [timestamp.as_bytes(), request.body()];
    let tags = [Some(tag), previous];
    if tags::any_matches(keys, &parts, tags.iter().flatten()) {
        Ok(signed_at)
    } else {
        Err(Refusal::NoMatch)
    }
}

fn read(header: HeaderName, text: &str) -> Result<[u8; TAG_BYTES], Refusal> {
    hex::decode(text.as_bytes()).map_err(|fault| header.malformed(fault))
}
