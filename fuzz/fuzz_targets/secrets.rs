//! Secrets: any text.
//!
//! A text behind `whsec_` is accepted if and only if another base64 decoder accepts it, and no error
//! contains a part of the text.

#![no_main]

use base64::prelude::{BASE64_STANDARD, Engine};
use libfuzzer_sys::fuzz_target;
use webhook_signature::{Credential, CredentialError};

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

/// Returns the expected error code.
fn expected(text: &str) -> Option<&'static str> {
    if let Some(near_miss) = near_miss(text) {
        return Some(near_miss);
    }
    let prefix = PREFIXES
        .into_iter()
        .find(|prefix| text.starts_with(prefix))?;
    let (min, max): (usize, usize) = match prefix {
        "whsec_" => (24, 64),
        "whsk_" => (32, 64),
        _ => (32, 32),
    };
    let encoded = &text[prefix.len()..];
    if encoded.len() > max.div_ceil(3) * 4 {
        return Some("too-long");
    }
    let Ok(bytes) = BASE64_STANDARD.decode(encoded) else {
        return Some("not-base64");
    };
    match bytes.len() {
        length if length < min => Some("too-short"),
        length if length > max => Some("too-long"),
        33..64 if prefix == "whsk_" => Some("too-short"),
        _ if prefix == "whsec_" => None,
        // Only an implementation of ed25519 knows which bytes are valid keys.
        _ => Credential::parse(text).err().map(|error| {
            assert_eq!(error, CredentialError::NotAKey);
            error.code()
        }),
    }
}

/// Returns the error code of a miswritten credential.
fn near_miss(text: &str) -> Option<&'static str> {
    let (first, last) = (text.chars().next(), text.chars().next_back());
    let (Some(first), Some(last)) = (first, last) else {
        return Some("empty");
    };
    if [first, last].contains(&'\u{feff}') {
        return Some("byte-order-mark");
    }
    let blank = |c: char| c.is_whitespace() || "\u{200b}\u{200c}\u{200d}\u{2060}".contains(c);
    if blank(first) || blank(last) {
        return Some("white-space");
    }
    let quotes = ["\"\"", "''", "``", "\u{201c}\u{201d}", "\u{2018}\u{2019}"];
    if text.chars().count() > 1 && quotes.contains(&&*format!("{first}{last}")) {
        return Some("quotes");
    }
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("v1,") || lower.starts_with("v1a,") {
        return Some("version");
    }
    let misplaced = |prefix: &str| {
        lower.rfind(prefix).is_some_and(|at| at > 0)
            || lower.starts_with(prefix) && !text.starts_with(prefix)
    };
    PREFIXES.into_iter().any(misplaced).then_some("prefix")
}
