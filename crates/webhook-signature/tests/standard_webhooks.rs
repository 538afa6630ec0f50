//! Test vectors of Standard Webhooks: from its specification and from the tests of its libraries.

use webhook_signature::{Credential, Freshness, Message, Request, SignError, standard};

const AT: u64 = 1_614_265_330;

const MESSAGE: Message<'_> = Message {
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    timestamp: AT,
    body: br#"{"test": 2432232314}"#,
};

/// A secret from the tests of the libraries.
const SHARED: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SHARED_SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

/// The key of the specification's example, whose list has this `v1a` signature.
const PAIR: &str =
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PAIR_SIGNED: &str =
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

/// A key from the test of the Go library, which writes a secret key as its seed alone.
const SEED: &str = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=";
const SEED_SIGNED: &str =
    "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==";

const VECTORS: [(&str, &str); 3] = [
    (SHARED, SHARED_SIGNED),
    (PAIR, PAIR_SIGNED),
    (SEED, SEED_SIGNED),
];

fn credential(text: &str) -> Credential {
    Credential::parse(text).expect("a valid credential")
}

fn accepted(keys: &[Credential], list: &str) -> bool {
    let headers = [
        ("webhook-id", MESSAGE.id),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", list),
    ];
    let request = Request::new(headers, MESSAGE.body);
    standard::verify(keys, &request, Freshness::at(AT)).is_ok()
}

#[test]
fn the_published_signatures_are_created() {
    for (key, signed) in VECTORS {
        let list = standard::sign([&credential(key)], &MESSAGE);
        assert_eq!(list.as_deref(), Ok(signed));
    }
}

#[test]
fn a_published_signature_is_accepted_under_its_own_key_only() {
    for (key, _) in VECTORS {
        for (signer, signed) in VECTORS {
            let result = accepted(&[credential(key)], signed);
            assert_eq!(result, key == signer, "{signed}");
        }
    }
}

#[test]
fn the_public_half_verifies_and_cannot_sign() {
    let public = credential(PAIR).public_text().expect("a pair has one");
    let public = [credential(&public)];
    assert!(accepted(&public, PAIR_SIGNED));
    assert!(!accepted(&public, SEED_SIGNED));
    let error = Err(SignError::NoKey(webhook_signature::Scheme::Standard));
    assert_eq!(standard::sign(&public, &MESSAGE), error);
}

#[test]
fn a_list_has_a_signature_under_each_key_in_order() {
    let keys = VECTORS.map(|(key, _)| credential(key));
    let list = standard::sign(&keys, &MESSAGE).expect("signed");
    assert_eq!(list, VECTORS.map(|(_, signed)| signed).join(" "));
    for key in keys {
        assert!(accepted(&[key], &list));
    }
}
