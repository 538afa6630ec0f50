//! Timestamps: any text, with a valid signature.
//!
//! A timestamp is accepted only if another parser accepts it as the same second, and no byte can move
//! between timestamp and body under one signature.

#![no_main]

use base64::prelude::{BASE64_STANDARD, Engine};
use fuzz::{NOW, keys, tag};
use libfuzzer_sys::fuzz_target;
use webhook_signature::{Freshness, Request, Scheme, verify};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

fuzz_target!(|input: (&str, &[u8])| {
    let (text, body) = input;
    assert_eq!(wss(text, body), expected_of_wss(text), "wss {text:?}");
    assert_eq!(
        standard(text, body),
        expected_of_standard(text),
        "standard {text:?}"
    );
    moved(text, body);
});

fn accepted(headers: &[(&str, &str)], body: &[u8]) -> Option<i64> {
    let request = Request::new(headers.iter().copied(), body);
    let freshness = Freshness::at(NOW).tolerating(u64::MAX);
    let verified = verify(&keys(), &request, freshness, Scheme::Wss).ok()?;
    verified.at
}

fn wss(text: &str, body: &[u8]) -> Option<i64> {
    let tag = hex::encode(tag(&[text.as_bytes(), body]));
    accepted(
        &[("X-WSS-Timestamp", text), ("X-WSS-Signature", &tag)],
        body,
    )
}

fn standard(text: &str, body: &[u8]) -> Option<i64> {
    let tag = tag(&[b"evt_42.", text.as_bytes(), b".", body]);
    let list = format!("v1,{}", BASE64_STANDARD.encode(tag));
    let headers = [
        ("webhook-id", "evt_42"),
        ("webhook-timestamp", text),
        ("webhook-signature", &list),
    ];
    accepted(&headers, body)
}

fn expected_of_wss(text: &str) -> Option<i64> {
    if text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    // The other parser accepts more forms of RFC 3339, and leap seconds.
    if text.len() != 20 || !text.ends_with('Z') || text.as_bytes()[10] != b'T' {
        return None;
    }
    if text.ends_with(":60Z") {
        return None;
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(time.unix_timestamp())
}

fn expected_of_standard(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number >= 0 && number.to_string() == text).then_some(number)
}

/// Checks that the signed bytes cannot be split differently into timestamp and body.
fn moved(text: &str, body: &[u8]) {
    let signed = [text.as_bytes(), body].concat();
    let right = hex::encode(tag(&[&signed]));
    let mut splits = 0;
    for at in 0..signed.len().min(64) {
        let (time, body) = signed.split_at(at);
        let headers = [
            ("X-WSS-Timestamp", time),
            ("X-WSS-Signature", right.as_bytes()),
        ];
        let request = Request::new(headers, body);
        let freshness = Freshness::at(NOW).tolerating(u64::MAX);
        splits += usize::from(verify(&keys(), &request, freshness, Scheme::Wss).is_ok());
    }
    assert!(splits <= 1, "{signed:?} can be split in {splits} ways");
}
