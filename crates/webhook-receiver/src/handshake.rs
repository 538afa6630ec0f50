//! The handshake: storing a key that a sender brings.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::body::check_length;
use crate::dedup::{self, Claim};
use crate::limits::{HANDSHAKE_BYTES, KEY_MAX_BYTES, KEY_MIN_BYTES};
use crate::{Log, Platform, Refusal, Registration, Request, Response, Settings, keys, variables};

/// The id that is claimed while the keys are replaced, so that handshakes run one after the other.
/// It cannot be a `webhook-id`: those have no space.
const LOCK: &str = "the keys";

/// The parsed target of a handshake.
#[derive(Clone, Copy)]
pub struct Handshake<'a> {
    /// The registration that the key belongs to.
    pub registration: &'a Registration,
    /// The query parameter `token`.
    pub token: Option<&'a str>,
    /// `true` if any caller may set the key while the variable `handshake_token` is empty.
    pub open: bool,
}

/// The body. It has no `Debug`, because it contains the key. Unknown fields are ignored: the sender
/// is another system, which may add some.
#[derive(Deserialize)]
struct Body {
    #[serde(rename = "keyData")]
    key_data: String,
}

/// Stores the key in the body as the current one, if the token equals the variable
/// `handshake_token`. While that is empty, handshakes are refused unless they are open.
///
/// The previous key stays valid for `key_overlap_seconds`.
///
/// # Errors
///
/// Returns a [`Refusal`], and leaves the keys as they were.
pub fn handshake(
    handshake: Handshake<'_>,
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
) -> Result<Response, Refusal> {
    check_token(&variables::secret(platform, "handshake_token")?, handshake)?;
    let settings = Settings::read(platform)?;
    let body = request.body(HANDSHAKE_BYTES)?;
    check_length(&request.headers(), &body)?;
    let key = read_key(&body)?;
    let fingerprint = platform.fingerprint(&key).map_err(Refusal::BadKey)?;
    log.line(format!(
        "Received key {fingerprint} upon registering for webhooks with PRODUCER."
    ));
    replace(platform, &settings, handshake.registration, &key)?;
    log.line(format!("Stored key data in {}", platform.origin()));
    Ok(Response::text("Stored the key data"))
}

fn replace(
    platform: &impl Platform,
    settings: &Settings,
    registration: &Registration,
    key: &str,
) -> Result<(), Refusal> {
    let now = platform.now();
    let lock = registration.scoped(LOCK);
    let Claim::Granted(lock) = dedup::claim(platform, settings, &lock, now)? else {
        return Err(Refusal::HandshakeInProgress);
    };
    let replaced = keys::replace(platform, registration, key, now, settings.key_overlap);
    let released = lock.release(platform);
    replaced?;
    Ok(released?)
}

fn check_token(expected: &str, handshake: Handshake<'_>) -> Result<(), Refusal> {
    if expected.is_empty() {
        return if handshake.open {
            Ok(())
        } else {
            Err(Refusal::NoHandshakeToken)
        };
    }
    let matches = |token| same_text(expected, token);
    if handshake.token.is_some_and(matches) {
        Ok(())
    } else {
        Err(Refusal::HandshakeToken)
    }
}

/// Compares in constant time. It compares digests, so that the length is not revealed either.
fn same_text(one: &str, other: &str) -> bool {
    let one = Sha256::digest(one.as_bytes());
    let other = Sha256::digest(other.as_bytes());
    one.as_slice().ct_eq(other.as_slice()).into()
}

/// Parses the body. The parser's own message is dropped, because it may quote the key.
fn read_key(body: &[u8]) -> Result<String, Refusal> {
    let read: Body = serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            Refusal::NotAHandshake
        } else {
            Refusal::BrokenJson {
                line: error.line(),
                column: error.column(),
            }
        }
    })?;
    match read.key_data.len() {
        KEY_MIN_BYTES..=KEY_MAX_BYTES => Ok(read.key_data),
        bytes => Err(Refusal::KeyLength { bytes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, token: Option<&str>, open: bool) -> Result<(), Refusal> {
        let registration = &Registration::default();
        let handshake = Handshake {
            registration,
            token,
            open,
        };
        check_token(expected, handshake)
    }

    #[test]
    fn without_an_expected_token_a_handshake_must_be_open() {
        for token in [None, Some(""), Some("any")] {
            assert_eq!(check("", token, true), Ok(()));
            assert_eq!(check("", token, false), Err(Refusal::NoHandshakeToken));
        }
    }

    #[test]
    fn an_expected_token_must_match_exactly() {
        for open in [false, true] {
            assert_eq!(check("s3cret", Some("s3cret"), open), Ok(()));
        }
        for token in [
            None,
            Some(""),
            Some("s3cre"),
            Some("s3crets"),
            Some("S3cret"),
        ] {
            for open in [false, true] {
                let result = check("s3cret", token, open);
                assert_eq!(result, Err(Refusal::HandshakeToken), "{token:?}");
            }
        }
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let body = br#"{"version": 2, "keyData": "a key that is long enough", "more": {"a": [1]}}"#;
        assert_eq!(read_key(body).as_deref(), Ok("a key that is long enough"));
        let twice =
            br#"{"keyData": "a key that is long enough", "keyData": "another key, as long"}"#;
        assert_eq!(read_key(twice), Err(Refusal::NotAHandshake));
    }

    #[test]
    fn a_key_of_invalid_length_is_rejected_with_its_length() {
        let read = |bytes: usize| {
            let body = format!("{{\"keyData\": \"{}\"}}", "k".repeat(bytes));
            read_key(body.as_bytes()).map(|key| key.len())
        };
        assert_eq!([read(16), read(36), read(256)], [Ok(16), Ok(36), Ok(256)]);
        for bytes in [0, 15, 257] {
            assert_eq!(read(bytes), Err(Refusal::KeyLength { bytes }));
        }
    }

    #[test]
    fn a_refusal_never_quotes_the_body() {
        let key = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";
        for body in [
            format!("\"{key}\""),
            format!("{{\"{key}\": 1}}"),
            format!("{{\"keyData\": [\"{key}\"]}}"),
            format!("{{\"keyData\": \"{key}\" {key}"),
            format!("{{\"keyData\": \"{}\"}}", key.repeat(9)),
        ] {
            let refusal = read_key(body.as_bytes()).expect_err(&body);
            assert!(!format!("{refusal} {refusal:?}").contains(key), "{refusal}");
        }
    }
}
