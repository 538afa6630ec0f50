//! Masks secrets outside of the field `secret`: values of headers, and of a URL's query.
//!
//! They are write-only: an endpoint is shown with [`MASK`] in their place, and a change that sends
//! [`MASK`] back keeps them.

use std::borrow::Cow;

/// The text that is shown in place of a secret.
pub const MASK: &str = "***";

/// Parts of the names of query parameters that contain secrets.
const SECRET_NAMES: [&str; 11] = [
    "token", "secret", "key", "sig", "pass", "pwd", "auth", "cred", "code", "session", "jwt",
];

/// The length from which on a value of letters and digits may be a token under any name.
const TOKEN_LENGTH: usize = 20;

/// Masks the values of a URL's query that may be secrets.
///
/// ```
/// use webhook_model::masked_url;
///
/// assert_eq!(
///     masked_url("https://example.com/hook?token=s3cret&shop=7"),
///     "https://example.com/hook?token=***&shop=7"
/// );
/// assert_eq!(masked_url("https://example.com/hook"), "https://example.com/hook");
/// ```
pub fn masked_url(url: &str) -> Cow<'_, str> {
    let Some((path, query)) = url.split_once('?') else {
        return url.into();
    };
    let pairs: Vec<_> = query.split('&').map(masked_pair).collect();
    format!("{path}?{}", pairs.join("&")).into()
}

/// Returns whether a URL has a masked value, and therefore cannot be called.
pub fn is_masked_url(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let is_masked = |pair: &str| pair.rsplit('=').next().unwrap_or_default() == MASK;
    query.split('&').any(is_masked)
}

fn masked_pair(pair: &str) -> Cow<'_, str> {
    match pair.split_once('=') {
        Some((_, "")) => pair.into(),
        Some((name, value)) if is_secret_name(name) || is_token(value) => {
            format!("{name}={MASK}").into()
        }
        None if is_token(pair) => MASK.into(),
        _ => pair.into(),
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = url::form_urlencoded::parse(name.as_bytes())
        .next()
        .map(|(name, _)| name.to_ascii_lowercase())
        .unwrap_or_default();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

fn is_token(value: &str) -> bool {
    let of_a_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%+/=:".contains(&byte);
    value.len() >= TOKEN_LENGTH
        && value.bytes().all(of_a_token)
        && value.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_query_that_may_be_secrets_are_masked() {
        let cases = [
            ("?token=a", "?token=***"),
            ("?a=1&API_KEY=b&c", "?a=1&API_KEY=***&c"),
            ("?%74oken=a", "?%74oken=***"),
            ("?sig=a=b", "?sig=***"),
            ("?x=0123456789abcdef0123", "?x=***"),
            ("?0123456789abcdef0123", "?***"),
            ("?token=", "?token="),
            ("?shop=7&lang=en-GB", "?shop=7&lang=en-GB"),
            ("?", "?"),
        ];
        for (query, masked) in cases {
            let url = format!("https://example.com/a{query}");
            assert_eq!(masked_url(&url), format!("https://example.com/a{masked}"));
            assert_eq!(
                is_masked_url(&masked_url(&url)),
                masked.contains(MASK),
                "{query}"
            );
        }
    }
}
