//! Secrets: any text.
//!
//! What is taken behind `whsec_` is what another reader of base64 takes, and no refusal holds
//! anything of the text.

#![no_main]

use base64::prelude::{BASE64_STANDARD, Engine};
use libfuzzer_sys::fuzz_target;
use signature::{Credential, CredentialError};

const PREFIXES: [&str; 3] = ["whsec_", "whsk_", "whpk_"];

fuzz_target!(|input: (u8, &str)| {
    let (prefix, text) = input;
    let prefix = PREFIXES
        .get(usize::from(prefix) % 4)
        .copied()
        .unwrap_or_default();
    let text = [prefix, text].concat();
    let parsed = Credential::parse(text.as_str());
    if let Ok(credential) = &parsed {
        assert_eq!(credential.fingerprint().len(), 8);
    }
    let error = parsed.err();
    assert_eq!(error.map(|error| error.code()), expected(&text), "{text:?}");
});

/// The code of the refusal.
fn expected(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("empty");
    }
    let Some(prefix) = PREFIXES.into_iter().find(|prefix| text.starts_with(prefix)) else {
        let resembles = |prefix: &str| {
            text.trim_start()
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        return PREFIXES.into_iter().any(resembles).then_some("prefix");
    };
    let (least, most): (usize, usize) = match prefix {
        "whsec_" => (24, 64),
        "whsk_" => (32, 64),
        _ => (32, 32),
    };
    let encoded = &text[prefix.len()..];
    if encoded.len() > most.div_ceil(3) * 4 {
        return Some("too-long");
    }
    let Ok(bytes) = BASE64_STANDARD.decode(encoded) else {
        return Some("not-base64");
    };
    match bytes.len() {
        length if length < least => Some("too-short"),
        length if length > most => Some("too-long"),
        33..64 if prefix == "whsk_" => Some("too-short"),
        _ if prefix == "whsec_" => None,
        // Only an implementation of ed25519 can tell which bytes are keys.
        _ => Credential::parse(text).err().map(|error| {
            assert_eq!(error, CredentialError::NotAKey);
            error.code()
        }),
    }
}
