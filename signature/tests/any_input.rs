//! What holds for every key, body and header value, whoever chose them.

use proptest::collection::vec;
use proptest::prelude::*;
use signature::{Key, Refusal, plain};

/// Values near enough to a tag to reach past the first check.
fn header_values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..200),
        "[0-9a-fA-F]{0,130}".prop_map(String::into_bytes),
        "[0-9a-fA-F]{64}".prop_map(String::into_bytes),
        "[0-9a-gA-G\u{e9}]{62,64}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn an_invented_header_is_refused_without_a_panic(
        key in vec(any::<u8>(), 0..150),
        body in vec(any::<u8>(), 0..300),
        value in header_values(),
    ) {
        let refusal = plain::verify([&Key::from_bytes(key)], &body, Some(&value)).unwrap_err();
        let whole = value.len() == 64 && value.iter().all(u8::is_ascii_hexdigit);
        prop_assert_eq!(refusal == Refusal::NoMatch, whole);
        prop_assert_eq!(refusal.code() == "malformed-header", !whole);
    }

    #[test]
    fn what_is_signed_is_accepted_in_either_case_and_mixed(
        key in vec(any::<u8>(), 0..150),
        body in vec(any::<u8>(), 0..300),
        lower in vec(any::<bool>(), 64),
    ) {
        let key = Key::from_bytes(key);
        let mut tag = plain::sign(&key, &body).into_bytes();
        prop_assert!(tag.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F')));
        for (digit, _) in tag.iter_mut().zip(lower).filter(|(_, lower)| *lower) {
            digit.make_ascii_lowercase();
        }
        prop_assert_eq!(plain::verify([&key], &body, Some(&tag)), Ok(()));
    }

    #[test]
    fn a_flipped_bit_in_body_tag_or_key_is_refused(
        key in vec(any::<u8>(), 1..64),
        body in vec(any::<u8>(), 1..300),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let tag = plain::sign(&Key::from_bytes(key.as_slice()), &body);
        let flipped = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            bytes
        };
        let verdict = |key: &[u8], body: &[u8], tag: &[u8]| {
            plain::verify([&Key::from_bytes(key)], body, Some(tag))
        };
        let other_tag = hex::encode(flipped(&hex::decode(&tag).unwrap()));

        prop_assert_eq!(verdict(&key, &body, tag.as_bytes()), Ok(()));
        prop_assert_eq!(verdict(&key, &flipped(&body), tag.as_bytes()), Err(Refusal::NoMatch));
        prop_assert_eq!(verdict(&flipped(&key), &body, tag.as_bytes()), Err(Refusal::NoMatch));
        prop_assert_eq!(verdict(&key, &body, other_tag.as_bytes()), Err(Refusal::NoMatch));
    }
}
