//! Taking a key.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::limits::{HANDSHAKE_BYTES, KEY_MAX_BYTES, KEY_MIN_BYTES};
use crate::seen::{self, Claim};
use crate::{Answer, Log, Platform, Refusal, Request, Settings, keys};

/// What is claimed while the keys are changed, so that two handshakes come one after the other.
/// It is no `webhook-id`: those have no space.
const LOCK: &str = "the keys";

/// The body. It has no `Debug`, for it holds the key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Handshake {
    #[serde(rename = "keyData")]
    key_data: String,
}

/// Makes the key that the body carries the one to verify with, once `token`, the query parameter,
/// is what the variable `handshake_token` says.
///
/// The key before it stays valid for `key_overlap_seconds`.
///
/// # Errors
///
/// A [`Refusal`]; the keys are as they were then.
pub fn handshake(
    token: Option<&str>,
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
) -> Result<Answer, Refusal> {
    check_token(&platform.variable("handshake_token")?, token)?;
    let settings = Settings::read(platform)?;
    let key = read_key(&request.body(HANDSHAKE_BYTES)?)?;
    let fingerprint = platform.fingerprint(&key).map_err(Refusal::BadKey)?;
    log.line(format!(
        "Received key {fingerprint} upon registering for webhooks with PRODUCER."
    ));
    replace(platform, &settings, &key)?;
    log.line("Stored key data in key value store");
    Ok(Answer::text("Stored the key data"))
}

fn replace(platform: &impl Platform, settings: &Settings, key: &str) -> Result<(), Refusal> {
    let now = platform.now();
    let Claim::Mine(lock) = seen::claim(platform, settings, LOCK, now)? else {
        return Err(Refusal::HandshakeInProgress);
    };
    let replaced = keys::replace(platform, key, now, settings.key_overlap);
    let released = lock.release(platform);
    replaced?;
    Ok(released?)
}

fn check_token(expected: &str, given: Option<&str>) -> Result<(), Refusal> {
    if expected.is_empty() || given.is_some_and(|given| same_text(expected, given)) {
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
    let handshake: Handshake = serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            Refusal::NotAHandshake
        } else {
            Refusal::BrokenJson {
                line: error.line(),
                column: error.column(),
            }
        }
    })?;
    match handshake.key_data.len() {
        KEY_MIN_BYTES..=KEY_MAX_BYTES => Ok(handshake.key_data),
        bytes => Err(Refusal::KeyLength { bytes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_expected_token_lets_everyone_in() {
        assert_eq!(check_token("", None), Ok(()));
        assert_eq!(check_token("", Some("any")), Ok(()));
    }

    #[test]
    fn an_expected_token_has_to_be_given_to_the_letter() {
        assert_eq!(check_token("s3cret", Some("s3cret")), Ok(()));
        for given in [
            None,
            Some(""),
            Some("s3cre"),
            Some("s3crets"),
            Some("S3cret"),
        ] {
            assert_eq!(
                check_token("s3cret", given),
                Err(Refusal::HandshakeToken),
                "{given:?}"
            );
        }
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
