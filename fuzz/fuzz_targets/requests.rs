//! Complete requests: a signed request is accepted at its time, and rejected after any change of a
//! signed part.

#![no_main]

use arbitrary::Arbitrary;
use fuzz::keys;
use libfuzzer_sys::fuzz_target;
use webhook_signature::{Credential, Freshness, Message, Refusal, Request, Scheme, sign, verify};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    secrets: Vec<&'a str>,
    scheme: u8,
    weakest: u8,
    id: &'a str,
    timestamp: u64,
    now: u64,
    tolerance: u64,
    body: &'a [u8],
    changed: Option<Change>,
}

/// A flipped bit in a header's value or in the body.
#[derive(Arbitrary, Debug)]
struct Change {
    part: u8,
    at: u16,
    bit: u8,
}

fuzz_target!(|input: Input<'_>| {
    let parsed = input.secrets.iter().map(|text| Credential::parse(*text));
    let mut signers: Vec<_> = parsed.filter_map(Result::ok).collect();
    signers.extend(keys());
    let scheme = Scheme::ALL[usize::from(input.scheme) % 3];
    let message = Message {
        id: input.id,
        timestamp: input.timestamp,
        body: input.body,
    };
    let Ok(headers) = sign(scheme, &signers, &message) else {
        return;
    };
    let mut body = input.body.to_vec();
    let mut values: Vec<Vec<u8>> = headers
        .iter()
        .map(|(_, value)| value.clone().into())
        .collect();
    let changed = input.changed.as_ref();
    let changed = changed.is_some_and(|change| apply(change, &mut values, &mut body));
    let names = headers.iter().map(|(name, _)| *name);
    let request = Request::new(names.zip(&values), &body);
    let weakest = Scheme::ALL[usize::from(input.weakest) % 3];
    let freshness = Freshness::at(input.now).tolerating(input.tolerance);
    let result = verify(&signers, &request, freshness, weakest);

    let fresh = input.now.abs_diff(input.timestamp) <= input.tolerance;
    match result {
        Ok(verified) => {
            assert_eq!(verified.scheme, scheme);
            assert!(scheme >= weakest);
            // A changed request is still valid if it changes one of several tags, or the case of a digit.
            assert!(fresh || scheme == Scheme::Plain || changed);
            assert!(!changed || signers.len() > 1 || scheme != Scheme::Standard);
            assert_eq!(body, input.body);
        }
        Err(_) if changed => {}
        Err(Refusal::MissingHeader(header)) => {
            assert!(scheme < weakest);
            assert_eq!(header, weakest.header());
        }
        Err(Refusal::TooOld) => assert!(!fresh && input.now > input.timestamp),
        Err(Refusal::TooNew) => assert!(!fresh && input.now < input.timestamp),
        Err(Refusal::MalformedHeader { fault, .. }) => {
            // More signatures than a receiver reads.
            assert_eq!(fault.code(), "huge");
            assert!(signers.len() > 20);
        }
        Err(refusal) => panic!("{refusal}"),
    }
});

/// Flips the bit if it exists, and returns true if it did.
fn apply(change: &Change, values: &mut [Vec<u8>], body: &mut Vec<u8>) -> bool {
    let part = usize::from(change.part) % (values.len() + 1);
    let bytes = values.get_mut(part).unwrap_or(body);
    let at = usize::from(change.at);
    let Some(byte) = bytes.get_mut(at) else {
        return false;
    };
    *byte ^= 1 << (change.bit % 8);
    true
}
