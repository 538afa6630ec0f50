//! The headers of a request: those that endpoints may set, and the defaults.

use std::collections::BTreeMap;

use webhook_signature::{plain, standard, wss};

/// The `User-Agent` of all requests.
pub const USER_AGENT: &str = concat!("webhook-sender/", env!("CARGO_PKG_VERSION"));

/// The most bytes of a header's name and value together.
pub const MAX_HEADER_BYTES: usize = 4096;

/// The headers that endpoints may not set: routing, framing (RFC 9112, section 6), headers of one
/// connection (RFC 9110, section 7.6.1), and headers that change the exchange.
const RESERVED: [&str; 15] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// The headers that the signature schemes set.
const SIGNED: [&str; 7] = [
    plain::HEADER,
    wss::TIMESTAMP,
    wss::SIGNATURE,
    wss::PREVIOUS,
    standard::ID,
    standard::TIMESTAMP,
    standard::SIGNATURE,
];

/// The reason why an endpoint cannot set a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("header name `{0}` is not a token")]
    Name(String),
    #[error("header `{0}` is set by the sender")]
    Reserved(String),
    #[error("the value of header `{0}` is not visible ASCII and spaces inside")]
    Value(String),
    #[error("header `{0}` is longer than {MAX_HEADER_BYTES} bytes")]
    TooLong(String),
}

/// Checks a header of an endpoint. The error does not contain the value.
///
/// ```
/// use webhook_client::check_header;
///
/// assert!(check_header("Authorization", "Bearer x").is_ok());
/// assert!(check_header("Host", "elsewhere").is_err());
/// assert!(check_header("X-Note", "a\r\nb: c").is_err());
/// ```
///
/// # Errors
///
/// A [`HeaderError`].
pub fn check_header(name: &str, value: &str) -> Result<(), HeaderError> {
    let shown = || name.chars().take(80).collect();
    if name.len() + value.len() > MAX_HEADER_BYTES {
        return Err(HeaderError::TooLong(shown()));
    }
    if !is_token(name) {
        return Err(HeaderError::Name(shown()));
    }
    let is_among = |names: &[&str]| names.iter().any(|other| other.eq_ignore_ascii_case(name));
    if is_among(&RESERVED) || is_among(&SIGNED) {
        return Err(HeaderError::Reserved(shown()));
    }
    let visible = value
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if visible && value.trim() == value {
        Ok(())
    } else {
        Err(HeaderError::Value(shown()))
    }
}

/// Returns the headers of every request to an endpoint: the sender's defaults, unless the endpoint sets
/// them, and the endpoint's own. Those were checked before they were stored; one that does not pass now
/// was stored by another version of the sender, and is left out.
pub fn with_defaults(own: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let is_set = |name: &str| own.keys().any(|set| set.eq_ignore_ascii_case(name));
    let defaults = [
        ("Content-Type", "application/json"),
        ("User-Agent", USER_AGENT),
    ];
    let defaults = defaults.into_iter().filter(|(name, _)| !is_set(name));
    let own = own
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let own = own.filter(|(name, value)| check_header(name, value).is_ok());
    defaults
        .chain(own)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Returns whether a header can be written without ending its line early.
pub(super) fn can_be_sent((name, value): &(&str, &str)) -> bool {
    is_token(name)
        && !value
            .bytes()
            .any(|byte| byte.is_ascii_control() && byte != b'\t')
}

/// Returns whether a name is a token (RFC 9110, section 5.6.2).
fn is_token(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_frame_route_or_sign_a_request_are_reserved() {
        let own = ["HOST", "Content-Length", "transfer-encoding", "X-Signature"];
        for name in own.iter().chain(&RESERVED).chain(&SIGNED) {
            assert_eq!(
                check_header(name, "x"),
                Err(HeaderError::Reserved((*name).into()))
            );
        }
    }

    #[test]
    fn a_header_cannot_end_its_line() {
        for value in ["a\nb", "a\rb", "a\0", " a", "a ", "ü", "\t"] {
            assert!(check_header("X-Note", value).is_err(), "{value:?}");
        }
        for name in ["", "a b", "a:", "ä", "a\r\n"] {
            assert!(check_header(name, "x").is_err(), "{name:?}");
        }
        assert!(!can_be_sent(&("a", "b\r\nc: d")));
        assert!(can_be_sent(&("X-Note", "")));
    }

    #[test]
    fn an_error_does_not_contain_the_value() {
        let error = check_header("Authorization", "Bearer s3cret\n").unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
    }
}
