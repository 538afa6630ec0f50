//! Shared parts of the tests: secrets, bodies, signing with the crate, and tampering.

use std::time::SystemTime;

use interop::{Form, Message, Request, header};
use webhook_signature::{Credential, Freshness, Refusal, generate, sign, verify};

/// A secret, in the form for the signer and in the form for the verifier.
pub struct Secret {
    pub signing: String,
    pub verifying: String,
}

fn shared(text: &str) -> Secret {
    Secret {
        signing: text.to_owned(),
        verifying: text.to_owned(),
    }
}

fn random_looking(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 151 + 239) as u8).collect()
}

fn pair(seed: u8) -> Secret {
    let (signing, verifying) = generate::pair(&[seed; 32]);
    Secret {
        signing: signing.to_string(),
        verifying,
    }
}

/// Returns several different secrets for each form.
pub fn secrets(form: Form) -> Vec<Secret> {
    if form == Form::V1a {
        return vec![pair(7), pair(0), pair(255)];
    }
    let mut secrets = vec![shared("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")];
    for bytes in [25, 32, 64] {
        let secret = generate::shared(&random_looking(bytes)).expect("a length that is allowed");
        secrets.push(shared(&secret));
    }
    // The libraries would decode these as base64.
    if form != Form::V1 {
        secrets.push(shared("RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz"));
        secrets.push(shared("Schlüssel 🔑 aus Text"));
        secrets.push(shared(
            "longer than the block of SHA-256, ".repeat(3).trim_end(),
        ));
    }
    secrets
}

/// Returns a secret that is not one of [`secrets`].
pub fn other_secret(form: Form) -> Secret {
    match form {
        Form::V1a => pair(8),
        _ => shared("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
    }
}

/// Returns JSON, text that is not JSON, and bytes that are not text.
pub fn bodies() -> impl Iterator<Item = Vec<u8>> {
    let long = format!(
        r#"{{"event":"order.shipped","data":"{}"}}"#,
        "ü".repeat(32_748)
    );
    [
        br#"{"test": 2432232314}"#.to_vec(),
        "{\"name\": \"Zoë 🦀 \\u0000 \u{2028}\"}"
            .as_bytes()
            .to_vec(),
        b" [1, 2,\r\n3]\n".to_vec(),
        b"0".to_vec(),
        long.into_bytes(),
        b"".to_vec(),
        b"no JSON".to_vec(),
        b".1614265330.{}".to_vec(),
        b"\0\0\0\n".to_vec(),
        "\u{feff}{}".as_bytes().to_vec(),
        b"\xff\xfe\x80".to_vec(),
        b"{\"name\": \"Zo\xeb\"}".to_vec(),
        (0..=255).collect(),
        random_looking(64 * 1024),
    ]
    .into_iter()
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("a clock past 1970").as_secs()
}

pub fn message(body: &[u8]) -> Message<'_> {
    Message {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: now(),
        body,
    }
}

/// Signs a request with the crate.
pub fn ours(form: Form, secrets: &[&Secret], message: Message<'_>) -> Request {
    let keys: Vec<_> = secrets
        .iter()
        .map(|secret| credential(&secret.signing))
        .collect();
    let Message {
        id,
        timestamp,
        body,
    } = message;
    let message = webhook_signature::Message {
        id,
        timestamp,
        body,
    };
    let headers = sign(form.scheme(), &keys, &message).expect("it can be signed");
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    Request {
        headers: headers.collect(),
        body: body.to_vec(),
    }
}

/// Verifies a request with the crate, with an unrelated key before those of `texts`.
pub fn verify_with(texts: &[&String], form: Form, request: &Request) -> Result<(), Refusal> {
    let mut keys = vec![credential("some other secret of ours")];
    keys.extend(texts.iter().map(|text| credential(text)));
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value));
    let request = webhook_signature::Request::new(headers, &request.body);
    verify(&keys, &request, Freshness::at(now()), form.scheme()).map(|_| ())
}

fn credential(text: &str) -> Credential {
    Credential::parse(text).expect("a valid credential")
}

/// Replaces the value of a header.
pub fn with(request: &Request, name: &str, value: &str) -> Request {
    let mut request = request.clone();
    for (known, old) in &mut request.headers {
        if known.eq_ignore_ascii_case(name) {
            value.clone_into(old);
        }
    }
    request
}

fn without(request: &Request, name: &str) -> Request {
    let mut request = request.clone();
    request
        .headers
        .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    request
}

/// Returns tampered copies of a request, each with a description.
pub fn tampered(form: Form, request: &Request) -> Vec<(String, Request)> {
    let mut all = tampered_body(request);
    let name = form.scheme().header();
    let right = header(&request.headers, name);
    for (what, signature) in tampered_signature(form, right) {
        all.push((format!("{what} in {name}"), with(request, name, &signature)));
    }
    if let Some(name) = form.timestamp() {
        let at: u64 = header(&request.headers, name).parse().expect("seconds");
        let later = with(request, name, &(at + 1).to_string());
        all.push(("a later time".to_owned(), later));
    }
    if matches!(form, Form::V1 | Form::V1a) {
        let other = with(request, "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJel");
        all.push(("another id".to_owned(), other));
    }
    for (name, _) in &request.headers {
        all.push((format!("no {name}"), without(request, name)));
    }
    all
}

fn tampered_body(request: &Request) -> Vec<(String, Request)> {
    let with = |what: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut request = request.clone();
        change(&mut request.body);
        (what.to_owned(), request)
    };
    let mut all = vec![with("a byte added to the body", &|body| body.push(b' '))];
    if let Some(last) = request.body.len().checked_sub(1) {
        all.push(with("a bit flipped in the first byte", &|body| {
            body[0] ^= 1
        }));
        all.push(with("a bit flipped in the last byte", &|body| {
            body[last] ^= 1
        }));
        all.push(with("no body", &Vec::clear));
    }
    all
}

fn tampered_signature(form: Form, right: &str) -> Vec<(&'static str, String)> {
    let (version, tag) = right.split_once(',').unwrap_or(("", right));
    let joined = |tag: &str| match version {
        "" => tag.to_owned(),
        version => format!("{version},{tag}"),
    };
    let other = if tag.starts_with('0') { '1' } else { '0' };
    let mut all = vec![
        (
            "another first character",
            joined(&format!("{other}{}", &tag[1..])),
        ),
        ("four characters fewer", joined(&tag[..tag.len() - 4])),
        ("no tag", joined("")),
        ("nothing", String::new()),
    ];
    if matches!(form, Form::V1 | Form::V1a) {
        all.push(("no version", tag.to_owned()));
        all.push(("an unknown version", format!("v2,{tag}")));
    }
    all
}
