//! Taking a key.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::key::Key;
use crate::limits::HANDSHAKE_BYTES;
use crate::{Answer, Log, Platform, Refusal, Request};

/// The body. It has no `Debug`, for it holds the key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Handshake {
    #[serde(rename = "keyData")]
    key_data: String,
}

/// Stores the key that the body carries, once the token is the expected one.
///
/// From then on it is the only key: the one before it verifies nothing any more.
pub fn accept(
    token: Option<&str>,
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
) -> Result<Answer, Refusal> {
    check_token(&platform.handshake_token()?, token)?;
    let key = read_key(&request.body(HANDSHAKE_BYTES)?)?;
    log.line(format!(
        "Received key {} upon registering for webhooks with PRODUCER.",
        key.fingerprint()
    ));
    platform.store_key(key.as_bytes())?;
    log.line("Stored key data in key value store");
    Ok(Answer::text("Stored the key data"))
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
fn read_key(body: &[u8]) -> Result<Key, Refusal> {
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
    Ok(Key::from_handshake(handshake.key_data)?)
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
    fn no_refusal_of_a_body_quotes_it() {
        let key = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";
        for body in [
            format!("\"{key}\""),
            format!("{{\"{key}\": 1}}"),
            format!("{{\"keyData\": [\"{key}\"]}}"),
            format!("{{\"keyData\": \"{key}\" {key}"),
            format!("{{\"keyData\": \"{}\"}}", key.repeat(9)),
        ] {
            let refusal = read_key(body.as_bytes()).err().expect(&body);
            assert!(!format!("{refusal} {refusal:?}").contains(key), "{refusal}");
        }
    }
}
