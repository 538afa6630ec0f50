//! Texts that are almost a credential: what copying, quoting and saving add to one.

use crate::CredentialError;
use crate::credential::{PUBLIC, SHARED, SIGNING};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Quotation marks, opening and closing.
const QUOTES: [(char, char); 5] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('\u{201c}', '\u{201d}'),
    ('\u{2018}', '\u{2019}'),
];

/// The versions that stand before a signature in `webhook-signature`, and before no secret.
const VERSIONS: [&str; 2] = ["v1,", "v1a,"];

/// Refuses a text that has something around it that belongs to no secret: a byte order mark, white
/// space or an invisible character at either end, quotes around it. An empty text is refused too.
///
/// [`Credential::parse`](crate::Credential::parse) includes this. On its own it is for other secrets
/// that people paste and keep in files, such as tokens.
///
/// ```
/// use signature::{CredentialError, check_text};
///
/// assert_eq!(check_text("4f1c9a70e2"), Ok(()));
/// assert_eq!(check_text("4f1c9a70e2\n"), Err(CredentialError::WhiteSpace));
/// assert_eq!(check_text("\"4f1c9a70e2\""), Err(CredentialError::Quotes));
/// ```
///
/// # Errors
///
/// [`CredentialError::Empty`], [`CredentialError::ByteOrderMark`], [`CredentialError::WhiteSpace`]
/// or [`CredentialError::Quotes`].
pub fn check_text(text: &str) -> Result<(), CredentialError> {
    if text.is_empty() {
        return Err(CredentialError::Empty);
    }
    if text.starts_with(BYTE_ORDER_MARK) || text.ends_with(BYTE_ORDER_MARK) {
        return Err(CredentialError::ByteOrderMark);
    }
    if text.starts_with(is_blank) || text.ends_with(is_blank) {
        return Err(CredentialError::WhiteSpace);
    }
    if is_quoted(text) {
        return Err(CredentialError::Quotes);
    }
    Ok(())
}

/// Refuses a text that must be a credential written wrongly.
pub(crate) fn check_credential(text: &str) -> Result<(), CredentialError> {
    check_text(text)?;
    if VERSIONS.iter().any(|version| starts_with(text, version)) {
        return Err(CredentialError::Version);
    }
    match misplaced_prefix(text) {
        Some(meant) => Err(CredentialError::Prefix { meant }),
        None => Ok(()),
    }
}

/// White space, or a character of no width.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}')
}

fn is_quoted(text: &str) -> bool {
    let is_between = |(open, close): &(char, char)| {
        let rest = text.strip_prefix(*open);
        rest.is_some_and(|rest| rest.ends_with(*close))
    };
    QUOTES.iter().any(is_between)
}

/// The prefix that `text` has in another case or not at the start. Each of them ends with `_`, which
/// base64 has not, so that a credential costs one look at each of its bytes.
fn misplaced_prefix(text: &str) -> Option<&'static str> {
    let ends = text.match_indices('_').map(|(at, _)| &text[..=at]);
    ends.into_iter().find_map(|start| {
        let mut prefixes = [SHARED, SIGNING, PUBLIC].into_iter();
        prefixes.find(|prefix| start != *prefix && ends_with(start, prefix))
    })
}

/// Ignores the case of letters.
fn ends_with(text: &str, end: &str) -> bool {
    let text = text.as_bytes();
    text.len() >= end.len() && text[text.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}

/// Ignores the case of letters.
fn starts_with(text: &str, start: &str) -> bool {
    let text = text.as_bytes().get(..start.len());
    text.is_some_and(|text| text.eq_ignore_ascii_case(start.as_bytes()))
}
