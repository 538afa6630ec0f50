//! Texts that are almost a credential, because of copying, quoting or saving.

use crate::CredentialError;
use crate::prefix::{PUBLIC, SHARED, SIGNING};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Quotation marks, opening and closing.
const QUOTES: [(char, char); 5] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('\u{201c}', '\u{201d}'),
    ('\u{2018}', '\u{2019}'),
];

/// The versions that precede a signature in `webhook-signature`, and never a secret.
const VERSIONS: [&str; 2] = ["v1,", "v1a,"];

/// Rejects an empty text, and one with additions that are part of no secret: a byte order mark,
/// white space or an invisible character at either end, or quotes around it.
///
/// [`Credential::parse`](crate::Credential::parse) includes this check. On its own it is meant for
/// other secrets that people paste and keep in files, such as tokens.
///
/// ```
/// use webhook_signature::{CredentialError, check_text};
///
/// assert_eq!(check_text("4f1c9a70e2"), Ok(()));
/// assert_eq!(check_text("4f1c9a70e2\n"), Err(CredentialError::WhiteSpace));
/// assert_eq!(check_text("\"4f1c9a70e2\""), Err(CredentialError::Quotes));
/// ```
///
/// # Errors
///
/// Returns [`CredentialError::Empty`], [`CredentialError::ByteOrderMark`], [`CredentialError::WhiteSpace`]
/// or [`CredentialError::Quotes`].
pub fn check_text(text: &str) -> Result<(), CredentialError> {
    let mut characters = text.chars();
    let Some(first) = characters.next() else {
        return Err(CredentialError::Empty);
    };
    let last = characters.next_back();
    let ends = [first, last.unwrap_or(first)];
    if ends.contains(&BYTE_ORDER_MARK) {
        return Err(CredentialError::ByteOrderMark);
    }
    if ends.into_iter().any(is_blank) {
        return Err(CredentialError::WhiteSpace);
    }
    if last.is_some_and(|last| QUOTES.contains(&(first, last))) {
        return Err(CredentialError::Quotes);
    }
    Ok(())
}

/// Rejects a text that must be a miswritten credential.
pub(crate) fn check_credential(text: &str) -> Result<(), CredentialError> {
    check_text(text)?;
    let text = text.as_bytes();
    if VERSIONS.iter().any(|version| starts_with(text, version)) {
        return Err(CredentialError::Version);
    }
    match misplaced_prefix(text) {
        Some(meant) => Err(CredentialError::Prefix { meant }),
        None => Ok(()),
    }
}

/// Recognises white space and zero-width characters.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}')
}

/// Returns the prefix that `text` contains in another case or not at the start. Each prefix ends
/// with `_`, which base64 does not use, so that each byte is looked at only once. The search works
/// on bytes: slicing a `str` would add the formatting of its panics to the component.
fn misplaced_prefix(text: &[u8]) -> Option<&'static str> {
    let after = (1..=text.len()).filter(|end| text[end - 1] == b'_');
    after.into_iter().find_map(|end| {
        let mut prefixes = [SHARED, SIGNING, PUBLIC].into_iter();
        prefixes.find(|prefix| is_misplaced(text, end, prefix.as_bytes()))
    })
}

/// Compares the bytes before `end` in any case, except for the prefix in its right place.
fn is_misplaced(text: &[u8], end: usize, prefix: &[u8]) -> bool {
    let start = end.checked_sub(prefix.len());
    let found = start.and_then(|start| text.get(start..end));
    found.is_some_and(|found| {
        found.eq_ignore_ascii_case(prefix) && !(start == Some(0) && found == prefix)
    })
}

/// Compares the start of `text`, ignoring the case of letters.
fn starts_with(text: &[u8], start: &str) -> bool {
    let text = text.get(..start.len());
    text.is_some_and(|text| text.eq_ignore_ascii_case(start.as_bytes()))
}
