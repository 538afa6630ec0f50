//! Secrets as text: accepted ones, and rejected ones with their reasons.

use webhook_signature::{Credential, CredentialError, generate};

const PAIR: &str =
    "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

fn error_code(text: &str) -> Option<&'static str> {
    Credential::parse(text).err().map(|error| error.code())
}

/// Returns the base64 of `bytes` zero bytes.
fn zeros(bytes: usize) -> String {
    let whole = "AAAA".repeat(bytes / 3);
    whole + ["", "AA==", "AAA="][bytes % 3]
}

#[test]
fn shared_secrets_have_24_to_64_bytes() {
    for bytes in 0..100 {
        let text = format!("whsec_{}", zeros(bytes));
        let made = generate::shared(&vec![0; bytes]);
        match bytes {
            24..=64 => {
                assert_eq!(error_code(&text), None, "{bytes} bytes");
                assert_eq!(*made.unwrap(), text);
            }
            _ => {
                let expected = [CredentialError::TooShort, CredentialError::TooLong];
                let expected = expected[usize::from(bytes > 64)];
                assert_eq!(error_code(&text), Some(expected.code()), "{bytes} bytes");
                assert_eq!(made, Err(expected));
            }
        }
    }
}

#[test]
fn malformed_base64_is_rejected() {
    for malformed in [
        "MfKQ9r8GKYqrTwjUPD8I\nLPZIo2LaLaSw",
        " MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa\u{e9}",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB==",
        "not base64 at all",
    ] {
        for prefix in ["whsec_", "whsk_", "whpk_"] {
            let text = format!("{prefix}{malformed}");
            assert_eq!(error_code(&text), Some("not-base64"), "{text}");
        }
    }
}

#[test]
fn ed25519_keys_have_an_exact_length() {
    for bytes in 0..100 {
        let secret = error_code(&format!("whsk_{}", zeros(bytes)));
        match bytes {
            32 => assert_eq!(secret, None),
            64 => assert_eq!(
                secret,
                Some("not-a-key"),
                "zeros are not the zero seed's pair"
            ),
            ..64 => assert_eq!(secret, Some("too-short"), "{bytes} bytes"),
            _ => assert_eq!(secret, Some("too-long"), "{bytes} bytes"),
        }
        let public = error_code(&format!("whpk_{}", zeros(bytes)));
        match bytes {
            ..32 => assert_eq!(public, Some("too-short"), "{bytes} bytes"),
            32 => assert_eq!(public, Some("not-a-key"), "a point of small order"),
            _ => assert_eq!(public, Some("too-long"), "{bytes} bytes"),
        }
    }
}

#[test]
fn halves_that_do_not_belong_together_are_rejected() {
    assert_eq!(error_code(&format!("whsk_{PAIR}")), None);
    let other_seed = PAIR.replacen("6Xb", "7Xb", 1);
    assert_eq!(error_code(&format!("whsk_{other_seed}")), Some("not-a-key"));
}

#[test]
fn a_prefix_in_the_wrong_case_or_place_is_rejected() {
    for text in [
        "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "Whsk_x",
        "whPK_",
        "secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "schl\u{fc}ssel WHPK_",
    ] {
        assert_eq!(error_code(text), Some("prefix"), "{text}");
    }
}

#[test]
fn an_addition_from_copying_a_secret_is_reported_by_its_name() {
    for secret in [
        "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
        &format!("whsk_{PAIR}"),
    ] {
        assert_eq!(error_code(secret), None, "{secret}");
        let near = |before: &str, after: &str| error_code(&[before, secret, after].concat());
        for blank in [
            " ", "\t", "\r", "\n", "\r\n", "\u{a0}", "\u{3000}", "\u{200b}",
        ] {
            assert_eq!(near(blank, ""), Some("white-space"), "{blank:?} {secret}");
            assert_eq!(near("", blank), Some("white-space"), "{secret} {blank:?}");
        }
        assert_eq!(near("\u{feff}", ""), Some("byte-order-mark"), "{secret}");
        assert_eq!(
            near("\u{feff}", "\r\n"),
            Some("byte-order-mark"),
            "{secret}"
        );
        for (open, close) in [
            ("\"", "\""),
            ("'", "'"),
            ("`", "`"),
            ("\u{201c}", "\u{201d}"),
        ] {
            assert_eq!(near(open, close), Some("quotes"), "{open}{secret}{close}");
        }
        for version in ["v1,", "v1a,", "V1,"] {
            assert_eq!(near(version, ""), Some("version"), "{version}{secret}");
        }
    }
}

#[test]
fn any_other_text_is_a_valid_shared_secret() {
    assert_eq!(error_code(""), Some("empty"));
    for text in [
        "x",
        "whsec",
        "v1",
        "v2,x",
        "it's \"x",
        "'",
        "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz",
        "schl\u{fc}ssel",
    ] {
        assert_eq!(error_code(text), None, "{text}");
    }
}

#[test]
fn a_generated_pair_signs_with_one_half_and_verifies_with_the_other() {
    // RFC 8032, section 7.1, test 1.
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let (secret, public_text) = generate::pair(&bytes(seed));
    let expected = Credential::parse(&*secret.clone()).unwrap();
    assert_eq!(expected.public_text().as_deref(), Some(&*public_text));
    let fingerprint = webhook_signature::Key::from_bytes(bytes(public)).fingerprint();
    assert_eq!(expected.fingerprint(), fingerprint);
    assert_eq!(
        Credential::parse(public_text).unwrap().fingerprint(),
        fingerprint
    );
}

fn bytes(digits: &str) -> [u8; 32] {
    hex::decode(digits).unwrap().try_into().unwrap()
}
