//! `signed-webhooks:signature`: every scheme, with every case of `conformance.json`, including header,
//! fault and signed properties of each outcome.

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use test_support::components;

use crate::instance::Instance;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/signature.wit",
        world: "signatures",
    });
}

use bindings::Signatures;
use bindings::exports::signed_webhooks::signature::types::{Fault, KeyFault, Scheme};
use bindings::exports::signed_webhooks::signature::{sign, verify};

/// The component, called through its own interface.
struct Signer {
    instance: Instance,
    exports: Signatures,
}

impl Signer {
    fn new() -> Self {
        let mut instance = Instance::new();
        let exports = Signatures::new(&mut instance.store, &instance.instance);
        Self {
            exports: exports.expect("the interface"),
            instance,
        }
    }

    fn verify(
        &mut self,
        keys: &[String],
        request: &verify::Request,
        freshness: verify::Freshness,
        weakest: Scheme,
    ) -> Result<verify::Verified, verify::Error> {
        let store = &mut self.instance.store;
        let verify = self.exports.signed_webhooks_signature_verify();
        let verified = verify.call_verify(store, keys, request, freshness, weakest);
        verified.expect("no trap")
    }

    fn sign(
        &mut self,
        schemes: &[Scheme],
        keys: &[String],
        message: &sign::Message,
    ) -> Result<Vec<(String, Vec<u8>)>, sign::Error> {
        let store = &mut self.instance.store;
        let sign = self.exports.signed_webhooks_signature_sign();
        sign.call_sign(store, schemes, keys, message)
            .expect("no trap")
    }

    fn fingerprint(&mut self, key: &str) -> Result<String, KeyFault> {
        let store = &mut self.instance.store;
        let keys = self.exports.signed_webhooks_signature_keys();
        keys.call_fingerprint(store, key).expect("no trap")
    }

    fn outcome(&mut self, case: &Value) -> Value {
        let request = verify::Request {
            headers: latin_1(&case["headers"]),
            body: bytes(&case["body"]),
        };
        let freshness = verify::Freshness {
            now: case["now"].as_u64().expect("a time"),
            tolerance: case["tolerance"].as_u64().expect("seconds"),
        };
        let weakest = scheme(&case["weakest"]);
        match self.verify(&texts(&case["keys"]), &request, freshness, weakest) {
            Ok(verified) => accepted(&verified),
            Err(verify::Error::Refused(refusal)) => rejected(refusal),
            Err(error) => json!(format!("{error:?}")),
        }
    }
}

fn file() -> Value {
    let path = components::root().join("crates/webhook-signature/tests/conformance.json");
    let file = std::fs::read(path).expect("the file can be read");
    serde_json::from_slice(&file).expect("the file is JSON")
}

fn cases<'a>(file: &'a Value, section: &str, min: usize) -> &'a [Value] {
    let cases = file[section].as_array().expect("a list");
    assert!(cases.len() >= min, "{} cases", cases.len());
    cases
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    let texts = value.as_array().expect("a list").iter();
    texts.map(text).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    Base64::decode_vec(&text(value)).expect("a body in base64")
}

/// Decodes header values: each character stands for one byte.
fn latin_1(headers: &Value) -> Vec<(String, Vec<u8>)> {
    let byte = |character| u8::try_from(character).expect("a character below U+0100");
    let headers = headers.as_array().expect("a list").iter();
    headers
        .map(|header| {
            (
                text(&header[0]),
                text(&header[1]).chars().map(byte).collect(),
            )
        })
        .collect()
}

fn scheme(name: &Value) -> Scheme {
    match text(name).as_str() {
        "plain" => Scheme::Plain,
        "wss" => Scheme::Wss,
        "standard" => Scheme::Standard,
        other => panic!("no scheme `{other}`"),
    }
}

fn name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Plain => "plain",
        Scheme::Wss => "wss",
        Scheme::Standard => "standard",
    }
}

fn accepted(verified: &verify::Verified) -> Value {
    let mut outcome = json!({ "accepted": name(verified.scheme) });
    if let Some(id) = &verified.id {
        outcome["id"] = json!(id);
    }
    if let Some(at) = verified.at {
        outcome["at"] = json!(at);
    }
    outcome
}

fn rejected(refusal: verify::Refusal) -> Value {
    use verify::Refusal;
    match refusal {
        Refusal::MissingHeader(header) => json!({"refused": "missing-header", "header": header}),
        Refusal::MalformedHeader(malformed) => json!({
            "refused": "malformed-header",
            "header": malformed.header,
            "fault": fault(&malformed.fault),
        }),
        Refusal::UnknownScheme(header) => json!({"refused": "unknown-scheme", "header": header}),
        Refusal::TooOld => json!({"refused": "too-old"}),
        Refusal::TooNew => json!({"refused": "too-new"}),
        Refusal::NoMatch => json!({"refused": "no-match"}),
    }
}

fn fault(fault: &Fault) -> &str {
    match fault {
        Fault::Repeated => "repeated",
        Fault::Empty => "empty",
        Fault::Huge(_) => "huge",
        Fault::NotAscii(_) => "not-ascii",
        Fault::IdForm => "id-form",
        Fault::TimestampForm => "timestamp-form",
        Fault::NoSuchTime => "no-such-time",
        Fault::OutOfRange => "out-of-range",
        Fault::NoVersion => "no-version",
        Fault::NotBase64 => "not-base64",
        Fault::OddLength => "odd-length",
        Fault::Truncated => "truncated",
        Fault::TooLong => "too-long",
        Fault::NotHex(_) => "not-hex",
        // Faults without a case in the interface are recognised by their text.
        Fault::Other(text) if text.contains("`sha256=`") => "algorithm",
        Fault::Other(text) if text.contains("milliseconds") => "milliseconds",
        Fault::Other(text) => text,
    }
}

fn key_fault(fault: &KeyFault) -> &str {
    match fault {
        KeyFault::Empty => "empty",
        KeyFault::WhiteSpace => "white-space",
        KeyFault::ByteOrderMark => "byte-order-mark",
        KeyFault::Quotes => "quotes",
        KeyFault::Version => "version",
        KeyFault::Prefix(_) => "prefix",
        KeyFault::NotBase64 => "not-base64",
        KeyFault::TooShort => "too-short",
        KeyFault::TooLong => "too-long",
        KeyFault::NotAKey => "not-a-key",
        KeyFault::NoEd25519 => "no-ed25519",
        KeyFault::Other(text) => text,
    }
}

#[test]
fn every_request_has_the_expected_outcome() {
    let (mut signer, file) = (Signer::new(), file());
    let mut differing = Vec::new();
    for case in cases(&file, "verify", 400) {
        let outcome = signer.outcome(case);
        if outcome != case["expect"] {
            differing.push(format!(
                "{}: {outcome}, not {}",
                case["name"], case["expect"]
            ));
        }
    }
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn every_message_is_signed_with_the_expected_headers() {
    let (mut signer, file) = (Signer::new(), file());
    for case in cases(&file, "sign", 40) {
        let message = sign::Message {
            id: text(&case["id"]),
            timestamp: case["timestamp"].as_u64().expect("a time"),
            body: bytes(&case["body"]),
        };
        let schemes = [scheme(&case["scheme"])];
        let headers = signer.sign(&schemes, &texts(&case["keys"]), &message);
        assert_eq!(
            headers.expect("signed"),
            latin_1(&case["headers"]),
            "{case}"
        );
    }
}

#[test]
fn every_key_is_accepted_or_rejected_with_the_expected_reason() {
    let (mut signer, file) = (Signer::new(), file());
    for case in cases(&file, "credentials", 30) {
        let key = text(&case["text"]);
        match signer.fingerprint(&key) {
            Ok(fingerprint) => {
                assert_eq!(case["accepted"], true, "{case}");
                if !key.starts_with("whsk_") && !key.starts_with("whpk_") {
                    assert_eq!(
                        fingerprint,
                        hex::encode(&Sha256::digest(key)[..4]),
                        "{case}"
                    );
                }
            }
            Err(fault) => assert_eq!(case["reason"], key_fault(&fault), "{case}"),
        }
    }
}

const KEY: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";
const PAIR: &str =
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const AT: u64 = 1_614_265_330;

fn message(body: Vec<u8>) -> sign::Message {
    sign::Message {
        id: "msg_1".to_owned(),
        timestamp: AT,
        body,
    }
}

#[test]
fn one_call_returns_the_headers_of_several_schemes_and_each_verifies() {
    let mut signer = Signer::new();
    let schemes = [Scheme::Plain, Scheme::Wss, Scheme::Standard];
    let keys = [KEY.to_owned(), PAIR.to_owned()];
    let mebibytes = (0..10 << 20).map(|index: u32| index.to_le_bytes()[0]);
    for body in [Vec::new(), vec![0xff, 0, 0xfe], mebibytes.collect()] {
        let headers = signer.sign(&schemes, &keys, &message(body.clone()));
        let headers = headers.expect("signed");
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let all = [
            "X-Signature",
            "X-WSS-Timestamp",
            "X-WSS-Signature",
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        ];
        assert_eq!(names, all);
        for (scheme, range) in schemes.into_iter().zip([0..1, 1..3, 3..6]) {
            let request = verify::Request {
                headers: headers[range].to_vec(),
                body: body.clone(),
            };
            let freshness = verify::Freshness {
                now: AT,
                tolerance: 0,
            };
            let key = [KEY.to_owned()];
            let verified = signer.verify(&key, &request, freshness, Scheme::Plain);
            assert_eq!(verified.expect("accepted").scheme, scheme);
        }
        let request = verify::Request { headers, body };
        let freshness = verify::Freshness {
            now: AT,
            tolerance: 0,
        };
        let key = [PUBLIC.to_owned()];
        let verified = signer.verify(&key, &request, freshness, Scheme::Plain);
        assert_eq!(verified.expect("accepted").id.as_deref(), Some("msg_1"));
    }
}

#[test]
fn a_message_that_cannot_be_signed_is_an_error_without_headers() {
    let mut signer = Signer::new();
    let good = KEY.to_owned();
    let all = [Scheme::Plain, Scheme::Wss, Scheme::Standard];
    let mut sign = |keys: &[&String], id: &str, timestamp| {
        let message = sign::Message {
            id: id.to_owned(),
            timestamp,
            body: Vec::new(),
        };
        let keys: Vec<String> = keys.iter().map(|key| (*key).clone()).collect();
        let error = signer.sign(&all, &keys, &message).expect_err("an error");
        format!("{error:?}")
    };
    let bad = "whsec_c2hvcnQ=".to_owned();
    let error = sign(&[&good, &bad], "msg_1", AT);
    assert_eq!(
        error,
        "Error::BadKey(BadKey { index: 1, fault: KeyFault::TooShort })"
    );
    assert_eq!(sign(&[&good], "msg.1", AT), "Error::BadId(Fault::IdForm)");
    let error = sign(&[&good], "msg_1", u64::MAX);
    assert_eq!(error, "Error::BadTimestamp(Fault::OutOfRange)");
    assert_eq!(sign(&[], "msg_1", AT), "Error::NoKey(Scheme::Plain)");
    assert_eq!(
        sign(&[&PAIR.to_owned()], "msg_1", AT),
        "Error::NoKey(Scheme::Plain)"
    );
}

#[test]
fn an_invalid_key_is_distinguished_from_a_rejected_request() {
    let mut signer = Signer::new();
    let request = verify::Request {
        headers: Vec::new(),
        body: Vec::new(),
    };
    let freshness = verify::Freshness {
        now: AT,
        tolerance: 0,
    };
    let keys = [KEY.to_owned(), "WHSEC_x".to_owned()];
    let outcome = signer.verify(&keys, &request, freshness, Scheme::Plain);
    let Err(verify::Error::BadKey(bad)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((bad.index, key_fault(&bad.fault)), (1, "prefix"));
}
