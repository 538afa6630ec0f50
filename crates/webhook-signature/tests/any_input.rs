//! Properties that hold for every key, body and header value.

use proptest::collection::vec;
use proptest::prelude::*;
use webhook_signature::{
    Credential, Freshness, Key, Message, Refusal, Request, Scheme, plain, sign, verify,
};

/// Generates values similar enough to a tag to pass the first check.
fn header_values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..200),
        "[0-9a-fA-F]{0,130}".prop_map(String::into_bytes),
        "[0-9a-fA-F]{64}".prop_map(String::into_bytes),
        "[0-9a-gA-G\u{e9}]{62,64}".prop_map(String::into_bytes),
    ]
}

/// Generates header lists similar enough to a request's to reach every check.
fn requests() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let name = prop_oneof![
        Just("webhook-id"),
        Just("Webhook-Timestamp"),
        Just("webhook-signature"),
        Just("x-wss-timestamp"),
        Just("X-WSS-Signature"),
        Just("X-WSS-Signature-Previous"),
        Just("x-signature"),
        Just("content-type"),
    ];
    let value = prop_oneof![
        vec(any::<u8>(), 0..60),
        "[!-~]{1,30}".prop_map(String::into_bytes),
        "[0-9]{9,20}".prop_map(String::into_bytes),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z".prop_map(String::into_bytes),
        "[0-9a-f]{64}".prop_map(String::into_bytes),
        "(v(1a?|2),([A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==) ?){1,4}".prop_map(String::into_bytes),
    ];
    vec((name.prop_map(String::from), value), 0..9)
}

fn scheme() -> impl Strategy<Value = Scheme> {
    prop::sample::select(&Scheme::ALL[..])
}

proptest! {
    #[test]
    fn a_random_request_is_rejected_without_a_panic(
        headers in requests(),
        body in vec(any::<u8>(), 0..300),
        secret in ".{0,90}",
        now in any::<u64>(),
        tolerance in any::<u64>(),
        weakest in scheme(),
    ) {
        let texts = [secret.as_str(), "secret", "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="];
        let keys: Vec<_> = texts.into_iter().filter_map(|text| Credential::parse(text).ok()).collect();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value));
        let request = Request::new(headers, &body);
        let freshness = Freshness::at(now).tolerating(tolerance);
        prop_assert!(verify(&keys, &request, freshness, weakest).is_err());
    }

    #[test]
    fn random_credentials_do_not_panic(
        prefix in "(whsec_|whsk_|whpk_|WHSEC_|)",
        text in "(\\PC{0,100}|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==)",
    ) {
        let parsed = Credential::parse([prefix.as_str(), &text].concat());
        prop_assert!(prefix != "WHSEC_" || parsed.is_err());
    }

    #[test]
    fn a_signed_request_is_accepted_and_any_change_rejected(
        scheme in scheme(),
        secret in "[!-~]{1,80}",
        id in "[!-\\-/-~]{1,256}",
        timestamp in 0..10_000_000_000_u64,
        body in vec(any::<u8>(), 0..300),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let Ok(key) = Credential::parse(secret) else { return Ok(()) };
        let keys = [key];
        let message = Message { id: &id, timestamp, body: &body };
        let headers = sign(scheme, &keys, &message).expect("a valid message can be signed");
        let freshness = Freshness::at(timestamp);
        let check = |headers: &[(&'static str, Vec<u8>)], body: &[u8]| {
            let headers = headers.iter().map(|(name, value)| (*name, value));
            verify(&keys, &Request::new(headers, body), freshness, scheme).map(|_| ())
        };
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        prop_assert_eq!(check(&headers, &body), Ok(()));

        let mut longer = body.clone();
        longer.insert(at.index(body.len() + 1), bit as u8);
        prop_assert_eq!(check(&headers, &longer), Err(Refusal::NoMatch));

        for header in 0..headers.len() {
            let mut changed = headers.clone();
            let value = &mut changed[header].1;
            let index = at.index(value.len());
            let case_only = bit == 5 && scheme != Scheme::Standard && value[index].is_ascii_alphabetic();
            value[index] ^= 1 << bit;
            prop_assert_eq!(check(&changed, &body).is_ok(), case_only);
        }
    }

    #[test]
    fn a_random_header_is_rejected_without_a_panic(
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
    fn a_tag_is_accepted_in_either_case_and_in_mixed_case(
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
    fn a_flipped_bit_in_body_tag_or_key_is_rejected(
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
        let check = |key: &[u8], body: &[u8], tag: &[u8]| {
            plain::verify([&Key::from_bytes(key)], body, Some(tag))
        };
        let other_tag = hex::encode(flipped(&hex::decode(&tag).unwrap()));

        prop_assert_eq!(check(&key, &body, tag.as_bytes()), Ok(()));
        prop_assert_eq!(check(&key, &flipped(&body), tag.as_bytes()), Err(Refusal::NoMatch));
        prop_assert_eq!(check(&flipped(&key), &body, tag.as_bytes()), Err(Refusal::NoMatch));
        prop_assert_eq!(check(&key, &body, other_tag.as_bytes()), Err(Refusal::NoMatch));
    }
}
