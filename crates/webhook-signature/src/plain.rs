//! The `plain` scheme: header `X-Signature`, the HMAC-SHA256 of the raw body in hex.
//!
//! A tag has 64 hex digits. [`sign`] writes them in upper case; either case is accepted. The key's
//! bytes are the UTF-8 bytes of the secret text exactly as it was issued.
//!
//! Only the body is signed: a captured request can be replayed for as long as the key is in use.
//!
//! ```
//! use webhook_signature::{Key, plain};
//!
//! // RFC 4231, test case 2.
//! let key = Key::from_text("Jefe");
//! let tag = plain::sign(&key, b"what do ya want for nothing?");
//! assert_eq!(tag, "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843");
//! ```

use alloc::string::String;

use crate::header::HeaderName;
use crate::{Key, Refusal, hex, tags};

/// The name of the header that carries the tag.
pub const HEADER: &str = HeaderName::Plain.text();

/// Returns the tag of `body`: 64 upper-case hex digits.
pub fn sign(key: &Key, body: &[u8]) -> String {
    base16ct::upper::encode_string(&key.tag(&[body]).into_bytes())
}

/// Accepts `body` if `header`, the value of [`HEADER`], is its tag under any of `keys`.
///
/// Several keys are needed while a secret is being rotated. Without keys, nothing is accepted.
///
/// ```
/// use webhook_signature::{Fault, Key, Refusal, plain};
///
/// let (old, new) = (Key::from_text("last year's"), Key::from_text("this year's"));
/// let tag = plain::sign(&old, b"{}");
/// assert_eq!(plain::verify([&new, &old], b"{}", Some(tag.as_bytes())), Ok(()));
///
/// let cut = &tag.as_bytes()[..32];
/// let refusal = plain::verify([&new, &old], b"{}", Some(cut)).unwrap_err();
/// assert_eq!(refusal.to_string(), "header `X-Signature` is malformed: the tag is too short");
/// ```
///
/// # Errors
///
/// Returns [`Refusal::MissingHeader`] without a header, [`Refusal::MalformedHeader`] if its value is
/// not 64 hex digits, and [`Refusal::NoMatch`] if it is not the tag of this body under any key.
pub fn verify<'k>(
    keys: impl IntoIterator<Item = &'k Key>,
    body: &[u8],
    header: Option<&[u8]>,
) -> Result<(), Refusal> {
    let value = header.ok_or(Refusal::MissingHeader(HEADER))?;
    let tag = hex::decode(value).map_err(|fault| HeaderName::Plain.malformed(fault))?;
    if tags::any_matches(keys, &[body], core::iter::once(&tag)) {
        Ok(())
    } else {
        Err(Refusal::NoMatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    const BODY: &[u8] = br#"{"event": "order.shipped"}"#;

    fn key() -> Key {
        Key::from_text("RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz")
    }

    fn fault_of(value: &[u8]) -> Fault {
        match verify([&key()], BODY, Some(value)) {
            Err(Refusal::MalformedHeader {
                header: HEADER,
                fault,
            }) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_without_the_header_is_rejected() {
        let result = verify([&key()], BODY, None);
        assert_eq!(result, Err(Refusal::MissingHeader("X-Signature")));
    }

    #[test]
    fn a_malformed_tag_is_rejected_with_its_fault() {
        let tag = sign(&key(), BODY).into_bytes();
        let with = |index: usize, byte| {
            let mut tag = tag.clone();
            tag[index] = byte;
            tag
        };
        assert_eq!(fault_of(b""), Fault::Truncated);
        assert_eq!(fault_of(&tag[..62]), Fault::Truncated);
        assert_eq!(fault_of(&tag[..63]), Fault::OddLength);
        assert_eq!(fault_of(&[&tag[..], b"0"].concat()), Fault::OddLength);
        assert_eq!(fault_of(&[&tag[..], b"00"].concat()), Fault::TooLong);
        assert_eq!(fault_of(&[&tag[..], &tag[..]].concat()), Fault::TooLong);
        assert_eq!(fault_of(&with(0, b'G')), Fault::NotHex { index: 0 });
        assert_eq!(fault_of(&with(63, 0xff)), Fault::NotHex { index: 63 });
        assert_eq!(fault_of(&with(7, b' ')), Fault::NotHex { index: 7 });
    }

    #[test]
    fn one_matching_key_of_several_is_enough() {
        let (first, second) = (Key::from_text("first"), Key::from_text("second"));
        for signer in [&first, &second] {
            let tag = sign(signer, BODY);
            assert_eq!(
                verify([&first, &second], BODY, Some(tag.as_bytes())),
                Ok(())
            );
        }
        let tag = sign(&key(), BODY);
        let result = verify([&first, &second], BODY, Some(tag.as_bytes()));
        assert_eq!(result, Err(Refusal::NoMatch));
    }

    #[test]
    fn nothing_is_accepted_without_keys() {
        let tag = sign(&Key::from_text(""), BODY);
        assert_eq!(
            verify([], BODY, Some(tag.as_bytes())),
            Err(Refusal::NoMatch)
        );
    }
}
