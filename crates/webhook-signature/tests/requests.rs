//! Complete requests: signed by `sign` and verified by `verify`.

use base64ct::{Base64, Encoding};
use webhook_signature::{
    Credential, Fault, Freshness, Header, Message, Refusal, Request, Scheme, SignError, Verified,
    sign, verify,
};

const NOW: u64 = 1_614_265_330;
const PAIR: &str = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=";
const BODY: &[u8] = b"{\"event\": \"order.shipped\"}";

fn keys(texts: &[&str]) -> Vec<Credential> {
    let parsed = texts.iter().map(|text| Credential::parse(*text));
    parsed.collect::<Result<_, _>>().expect("valid credentials")
}

fn signed(scheme: Scheme, texts: &[&str]) -> Vec<Header> {
    let message = Message {
        id: "evt_42",
        timestamp: NOW,
        body: BODY,
    };
    sign(scheme, &keys(texts), &message).expect("signed")
}

fn check<'a>(
    texts: &[&str],
    headers: &'a [Header],
    weakest: Scheme,
) -> Result<Verified<'a>, Refusal> {
    let headers = headers.iter().map(|(name, value)| (*name, value));
    let request = Request::new(headers, BODY);
    verify(&keys(texts), &request, Freshness::at(NOW), weakest)
}

#[test]
fn a_signed_request_is_accepted_in_every_scheme() {
    for (scheme, id, at) in [
        (Scheme::Plain, None, None),
        (Scheme::Wss, None, Some(1_614_265_330)),
        (Scheme::Standard, Some("evt_42"), Some(1_614_265_330)),
    ] {
        let headers = signed(scheme, &["secret"]);
        let accepted = check(&["secret"], &headers, Scheme::Plain);
        assert_eq!(accepted, Ok(Verified { scheme, id, at }));
        assert_eq!(
            check(&["other"], &headers, Scheme::Plain),
            Err(Refusal::NoMatch)
        );
        assert_eq!(check(&[], &headers, Scheme::Plain), Err(Refusal::NoMatch));
    }
}

#[test]
fn the_strongest_scheme_present_decides_alone() {
    let schemes = [Scheme::Plain, Scheme::Wss, Scheme::Standard];
    for (index, strongest) in schemes.into_iter().enumerate() {
        let mut headers: Vec<_> = schemes[..index]
            .iter()
            .flat_map(|weaker| signed(*weaker, &["secret"]))
            .collect();
        headers.extend(signed(strongest, &["secret"]));
        let accepted = check(&["secret"], &headers, Scheme::Plain).expect("accepted");
        assert_eq!(accepted.scheme, strongest);

        for bad in ["", "0", &"0".repeat(64), "v9,AAAA", "v1,AAAA"] {
            headers.last_mut().expect("a signature").1 = bad.to_owned();
            let refused = check(&["secret"], &headers, Scheme::Plain);
            assert!(refused.is_err(), "{strongest:?} {bad:?}");
        }
    }
}

#[test]
fn a_scheme_below_the_weakest_accepted_is_ignored() {
    let mut headers = signed(Scheme::Plain, &["secret"]);
    let missing = |header| Err(Refusal::MissingHeader(header));
    assert_eq!(
        check(&["secret"], &headers, Scheme::Wss),
        missing("X-WSS-Signature")
    );
    headers.extend(signed(Scheme::Wss, &["secret"]));
    assert!(check(&["secret"], &headers, Scheme::Wss).is_ok());
    assert_eq!(
        check(&["secret"], &headers, Scheme::Standard),
        missing("webhook-signature")
    );
}

#[test]
fn during_a_rotation_either_secret_is_enough_on_both_sides() {
    for scheme in [Scheme::Wss, Scheme::Standard] {
        let both = signed(scheme, &["new", "old"]);
        for receiver in [&["new"][..], &["old"], &["new", "old"], &["unused", "old"]] {
            assert!(
                check(receiver, &both, scheme).is_ok(),
                "{scheme:?} {receiver:?}"
            );
        }
        assert_eq!(check(&["older"], &both, scheme), Err(Refusal::NoMatch));
    }
    for scheme in Scheme::ALL {
        let only_old = signed(scheme, &["old"]);
        assert!(
            check(&["new", "old"], &only_old, scheme).is_ok(),
            "{scheme:?}"
        );
    }
}

#[test]
fn wss_carries_one_previous_secret_and_plain_none() {
    let names = |scheme| -> Vec<_> {
        let headers = signed(scheme, &["newest", "newer", "old"]);
        headers.into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(Scheme::Plain), ["X-Signature"]);
    let wss = [
        "X-WSS-Timestamp",
        "X-WSS-Signature",
        "X-WSS-Signature-Previous",
    ];
    assert_eq!(names(Scheme::Wss), wss);
}

#[test]
fn header_names_ignore_case_and_a_repeated_header_is_rejected() {
    for scheme in Scheme::ALL {
        let headers = signed(scheme, &["secret"]);
        let check = |pairs: &[(String, &String)]| {
            let pairs = pairs.iter().map(|(name, value)| (name.as_str(), *value));
            let request = Request::new(pairs, BODY);
            verify(
                &keys(&["secret"]),
                &request,
                Freshness::at(NOW),
                Scheme::Plain,
            )
            .map(|verified| verified.scheme)
        };
        let mut pairs: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_ascii_uppercase(), value))
            .collect();
        assert_eq!(check(&pairs), Ok(scheme));
        for (name, value) in &headers {
            pairs.push((name.to_ascii_lowercase(), value));
            let refusal = Refusal::MalformedHeader {
                header: name,
                fault: Fault::Repeated,
            };
            assert_eq!(check(&pairs), Err(refusal), "the same value twice is twice");
            pairs.pop();
        }
    }
}

#[test]
fn bodies_of_any_bytes_and_size_are_accepted_when_signed() {
    let cases = Scheme::ALL.map(|scheme| (scheme, "secret"));
    for body in [vec![], vec![0xff, 0x00, 0xfe], vec![0x5a; 10 << 20]] {
        let message = Message {
            id: "evt_42",
            timestamp: NOW,
            body: &body,
        };
        for (scheme, key) in cases.into_iter().chain([(Scheme::Standard, PAIR)]) {
            let headers = sign(scheme, &keys(&[key]), &message).expect("signed");
            let headers = || headers.iter().map(|(name, value)| (*name, value));
            let check = |body: &[u8]| {
                let request = Request::new(headers(), body);
                verify(&keys(&[key]), &request, Freshness::at(NOW), scheme).map(|_| ())
            };
            assert_eq!(check(&body), Ok(()));
            let longer = [&body[..], b"\0"].concat();
            assert_eq!(check(&longer), Err(Refusal::NoMatch));
        }
    }
}

#[test]
fn a_tag_of_the_wrong_length_is_rejected_for_its_length() {
    let hex = |scheme: Scheme| {
        move |length: usize| {
            let fault = match length {
                0 => Fault::Empty,
                _ if length % 2 == 1 => Fault::OddLength,
                1..64 => Fault::Truncated,
                _ => Fault::TooLong,
            };
            (scheme, "ab".repeat(100)[..length].to_owned(), fault)
        }
    };
    let base64 = |version: &'static str, right: usize| {
        move |length: usize| {
            let list = [version, &Base64::encode_string(&vec![0; length])].concat();
            let fault = [Fault::Truncated, Fault::TooLong][usize::from(length > right)];
            (Scheme::Standard, list, fault)
        }
    };
    let but = |right: usize| (0..=130).filter(move |length| *length != right);
    let cases = (but(64).map(hex(Scheme::Plain)))
        .chain(but(64).map(hex(Scheme::Wss)))
        .chain(but(32).map(base64("v1,", 32)))
        .chain(but(64).map(base64("v1a,", 64)));
    for (scheme, value, fault) in cases {
        let mut headers = signed(scheme, &["secret"]);
        headers
            .last_mut()
            .expect("a signature")
            .1
            .clone_from(&value);
        let refusal = Refusal::MalformedHeader {
            header: scheme.header(),
            fault,
        };
        assert_eq!(
            check(&["secret"], &headers, Scheme::Plain),
            Err(refusal),
            "{value}"
        );
    }
}

#[test]
fn a_message_that_a_receiver_would_reject_is_not_signed() {
    let refused = |scheme, id: &str, timestamp, texts: &[&str]| {
        let body = BODY;
        let message = Message {
            id,
            timestamp,
            body,
        };
        sign(scheme, &keys(texts), &message).unwrap_err()
    };
    let id = |id: &str| refused(Scheme::Standard, id, NOW, &["secret"]);
    assert_eq!(id(""), SignError::Id(Fault::Empty));
    assert_eq!(id("a.b"), SignError::Id(Fault::IdForm));
    assert_eq!(id("a b"), SignError::Id(Fault::IdForm));
    assert_eq!(id("a\nb"), SignError::Id(Fault::NotAscii { index: 1 }));
    assert_eq!(id("\u{e9}"), SignError::Id(Fault::NotAscii { index: 0 }));
    assert_eq!(
        id(&"a".repeat(257)),
        SignError::Id(Fault::Huge { max: 256 })
    );

    let late = SignError::Timestamp(Fault::OutOfRange);
    assert_eq!(refused(Scheme::Wss, "a", 10_000_000_000, &["secret"]), late);
    assert_eq!(refused(Scheme::Standard, "a", 1 << 63, &["secret"]), late);

    for scheme in Scheme::ALL {
        assert_eq!(refused(scheme, "a", NOW, &[]), SignError::NoKey(scheme));
    }
    let public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    for scheme in Scheme::ALL {
        assert_eq!(
            refused(scheme, "a", NOW, &[public]),
            SignError::NoKey(scheme)
        );
    }
}
