//! Taking a key.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::body::check_length;
use crate::limits::{HANDSHAKE_BYTES, KEY_MAX_BYTES, KEY_MIN_BYTES};
use crate::seen::{self, Claim};
use crate::{Answer, Log, Platform, Refusal, Registration, Request, Settings, keys, variables};

/// What is claimed while the keys are changed, so that two handshakes come one after the other.
/// It is no `webhook-id`: those have no space.
const LOCK: &str = "the keys";

/// The target of a handshake, read.
#[derive(Clone, Copy)]
pub struct Handshake<'a> {
    /// The registration whose key it brings.
    pub registration: &'a Registration,
    /// The query parameter `token`.
    pub token: Option<&'a str>,
    /// `true` if any caller may bring a key while the variable `handshake_token` is empty.
    pub open: bool,
}

/// The body. It has no `Debug`, for it holds the key. Fields that are not known are ignored: it is
/// written by another system, which may say more.
#[derive(Deserialize)]
struct Body {
    #[serde(rename = "keyData")]
    key_data: String,
}

/// Makes the key that the body carries the one to verify with, once the token is what the variable
/// `handshake_token` says. While that is empty, handshakes are refused unless they are open.
///
/// The key before it stays valid for `key_overlap_seconds`.
///
/// # Errors
///
/// A [`Refusal`]; the keys are as they were then.
pub fn handshake(
    offered: Handshake<'_>,
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
) -> Result<Answer, Refusal> {
    check_token(&variables::secret(platform, "handshake_token")?, offered)?;
    let settings = Settings::read(platform)?;
    let body = request.body(HANDSHAKE_BYTES)?;
    check_length(&request.headers(), &body)?;
    let key = read_key(&body)?;
    let fingerprint = platform.fingerprint(&key).map_err(Refusal::BadKey)?;
    log.line(format!(
        "Received key {fingerprint} upon registering for webhooks with PRODUCER."
    ));
    replace(platform, &settings, offered.registration, &key)?;
    log.line("Stored key data in key value store");
    Ok(Answer::text("Stored the key data"))
}

fn replace(
    platform: &impl Platform,
    settings: &Settings,
    registration: &Registration,
    key: &str,
) -> Result<(), Refusal> {
    let now = platform.now();
    let lock = registration.scoped(LOCK);
    let Claim::Mine(lock) = seen::claim(platform, settings, &lock, now)? else {
        return Err(Refusal::HandshakeInProgress);
    };
    let replaced = keys::replace(platform, registration, key, now, settings.key_overlap);
    let released = lock.release(platform);
    replaced?;
    Ok(released?)
}

fn check_token(expected: &str, offered: Handshake<'_>) -> Result<(), Refusal> {
    if expected.is_empty() {
        return match offered.open {
            true => Ok(()),
            false => Err(Refusal::NoHandshakeToken),
        };
    }
    let same = |given| same_text(expected, given);
    if offered.token.is_some_and(same) {
        Ok(())
    } else {
        Err(Refusal::HandshakeToken)
    }
}

/// Takes the same time wherever the texts differ. Of their digests rather than of themselves, so
/// that it does not tell the length either.
fn same_text(one: &str, other: &str) -> bool {
    let one = Sha256::digest(one.as_bytes());
    let other = Sha256::digest(other.as_bytes());
    one.as_slice().ct_eq(other.as_slice()).into()
}

/// What the JSON library says of an error is left out: it may quote the key.
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
        let offered = Handshake {
            registration,
            token,
            open,
        };
        check_token(expected, offered)
    }

    #[test]
    fn without_an_expected_token_a_handshake_has_to_be_open() {
        for token in [None, Some(""), Some("any")] {
            assert_eq!(check("", token, true), Ok(()));
            assert_eq!(check("", token, false), Err(Refusal::NoHandshakeToken));
        }
    }

    #[test]
    fn an_expected_token_has_to_be_given_to_the_letter() {
        for open in [false, true] {
            assert_eq!(check("s3cret", Some("s3cret"), open), Ok(()));
        }
        for given in [
            None,
            Some(""),
            Some("s3cre"),
            Some("s3crets"),
            Some("S3cret"),
        ] {
            for open in [false, true] {
                let refused = check("s3cret", given, open);
                assert_eq!(refused, Err(Refusal::HandshakeToken), "{given:?}");
            }
        }
    }

    #[test]
    fn fields_that_are_not_known_are_ignored() {
        let body = br#"{"version": 2, "keyData": "a key that is long enough", "more": {"a": [1]}}"#;
        assert_eq!(read_key(body).as_deref(), Ok("a key that is long enough"));
        let twice =
            br#"{"keyData": "a key that is long enough", "keyData": "another key, as long"}"#;
        assert_eq!(read_key(twice), Err(Refusal::NotAHandshake));
    }

    #[test]
    fn a_key_out_of_bounds_is_refused_with_its_length() {
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
    fn no_refusal_of_a_body_quotes_it() {
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
