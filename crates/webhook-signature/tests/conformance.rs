//! Runs the crate on every case of `conformance.json`, which `CONFORMANCE.md` describes.

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use serde_json::{Value, json};
use webhook_signature::{
    Credential, Freshness, Message, Refusal, Request, Scheme, Verified, sign, verify,
};

const FILE: &str = include_str!("conformance.json");

#[derive(Deserialize)]
struct File {
    version: u32,
    verify: Vec<VerifyCase>,
    credentials: Vec<CredentialCase>,
    sign: Vec<SignCase>,
}

#[derive(Deserialize)]
struct VerifyCase {
    name: String,
    keys: Vec<String>,
    now: u64,
    tolerance: u64,
    weakest: String,
    headers: Vec<(String, String)>,
    body: String,
    expect: Value,
}

#[derive(Deserialize)]
struct CredentialCase {
    text: String,
    accepted: bool,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct SignCase {
    name: String,
    scheme: String,
    keys: Vec<String>,
    id: String,
    timestamp: u64,
    body: String,
    headers: Vec<(String, String)>,
}

fn file() -> File {
    serde_json::from_str(FILE).expect("the file has the documented form")
}

fn scheme(name: &str) -> Scheme {
    Scheme::from_name(name).expect("a known scheme")
}

fn keys(texts: &[String]) -> Vec<Credential> {
    let parsed = texts.iter().map(|text| Credential::parse(text.as_str()));
    parsed.collect::<Result<_, _>>().expect("valid credentials")
}

fn bytes(text: &str) -> Vec<u8> {
    Base64::decode_vec(text).expect("a body in base64")
}

/// Decodes a header value: each character stands for one byte.
fn latin_1(text: &str) -> Vec<u8> {
    let byte = |character| u8::try_from(character).expect("a character below U+0100");
    text.chars().map(byte).collect()
}

impl VerifyCase {
    fn outcome(&self) -> Value {
        let body = bytes(&self.body);
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name, latin_1(value)))
            .collect();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value));
        let request = Request::new(headers, &body);
        let freshness = Freshness::at(self.now).tolerating(self.tolerance);
        match verify(
            &keys(&self.keys),
            &request,
            freshness,
            scheme(&self.weakest),
        ) {
            Ok(verified) => accepted(verified),
            Err(refusal) => rejected(refusal),
        }
    }
}

fn accepted(verified: Verified<'_>) -> Value {
    let mut outcome = json!({ "accepted": verified.scheme.name() });
    if let Some(id) = verified.id {
        outcome["id"] = json!(id);
    }
    if let Some(at) = verified.at {
        outcome["at"] = json!(at);
    }
    outcome
}

fn rejected(refusal: Refusal) -> Value {
    let mut outcome = json!({ "refused": refusal.code() });
    match refusal {
        Refusal::MissingHeader(header) | Refusal::UnknownScheme(header) => {
            outcome["header"] = json!(header);
        }
        Refusal::MalformedHeader { header, fault } => {
            outcome["header"] = json!(header);
            outcome["fault"] = json!(fault.code());
        }
        Refusal::TooOld | Refusal::TooNew | Refusal::NoMatch => {}
    }
    outcome
}

#[test]
fn every_request_has_the_expected_outcome() {
    let file = file();
    assert_eq!(file.version, 1);
    assert!(file.verify.len() > 400, "{} cases", file.verify.len());
    let differing: Vec<_> = file
        .verify
        .iter()
        .filter(|case| case.outcome() != case.expect)
        .map(|case| format!("{}: {}, not {}", case.name, case.outcome(), case.expect))
        .collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn every_credential_is_accepted_or_rejected_with_the_expected_reason() {
    let cases = file().credentials;
    assert!(cases.len() > 30, "{} cases", cases.len());
    for case in cases {
        let reason = Credential::parse(case.text.as_str()).err();
        let reason = reason.map(|error| error.code().to_owned());
        assert_eq!(reason, case.reason, "{:?}", case.text);
        assert_eq!(reason.is_none(), case.accepted, "{:?}", case.text);
    }
}

#[test]
fn every_message_is_signed_with_the_expected_headers() {
    let cases = file().sign;
    assert!(cases.len() > 40, "{} cases", cases.len());
    for case in cases {
        let message = Message {
            id: &case.id,
            timestamp: case.timestamp,
            body: &bytes(&case.body),
        };
        let headers = sign(scheme(&case.scheme), &keys(&case.keys), &message).expect("signed");
        let headers: Vec<_> = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        assert_eq!(headers, case.headers, "{}", case.name);
    }
}
