//! The URL of a consumer.
//!
//! It is stored as the WHATWG parser normalises it, so that a consumer has one row regardless of the
//! spelling of its URL, and so that the URL that is checked is the one that is called.
//!
//! ```
//! use webhook_producer::consumer_url::ConsumerUrl;
//!
//! let url = ConsumerUrl::parse("HTTP://Example.com:80/hook?token=t").unwrap();
//! assert_eq!(url.as_str(), "http://example.com/hook?token=t");
//! assert_eq!(url.with_handshake().as_str(), "http://example.com/hook?token=t&handshake=true");
//! assert_eq!(url.for_log(), "http://example.com/hook");
//! assert_eq!(url.redacted(), "http://example.com/hook?token=***");
//! ```

use problem_details::Problem;
use url::{Position, Url};

use crate::host::{self, HostError};
use crate::problems;

/// The maximum length of a URL in bytes, before and after normalisation.
const MAX_BYTES: usize = 2048;

/// The query parameter of a handshake.
const HANDSHAKE: &str = "handshake";

/// The replacement for a value that is redacted.
const REDACTED: &str = "***";

/// Parts of the names of query parameters with secret values.
const SECRETS: [&str; 11] = [
    "token", "secret", "key", "sig", "pass", "pwd", "auth", "cred", "code", "session", "jwt",
];

/// The reason why a text is not a consumer's URL. It does not contain the text, which may have
/// credentials.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("the URL is longer than {MAX_BYTES} bytes")]
    TooLong,
    #[error("the URL is malformed: {0}")]
    Malformed(#[from] url::ParseError),
    #[error("the URL's scheme `{0}` is neither `http` nor `https`")]
    Scheme(String),
    #[error("the URL contains credentials")]
    Credentials,
    #[error("the URL has a fragment, which is never sent")]
    Fragment,
    #[error("the URL's query has the value `{REDACTED}`, which replaces redacted values")]
    Redacted,
    #[error("the URL has no host")]
    NoHost,
    #[error("the URL's port is 0")]
    PortZero,
    #[error("the URL has a query parameter `{HANDSHAKE}`, which the producer sets itself")]
    HandshakeParameter,
}

impl From<UrlError> for Problem {
    fn from(error: UrlError) -> Self {
        problems::bad_url(&error.to_string())
    }
}

impl From<HostError> for Problem {
    fn from(error: HostError) -> Self {
        problems::refused_host(&error.to_string())
    }
}

/// A well-formed URL of a consumer. [`check_host`](Self::check_host) tests if its host may be called.
///
/// It has no `Debug`, because the query may contain the consumer's token. Logs use
/// [`for_log`](Self::for_log), and responses [`redacted`](Self::redacted).
#[derive(Clone, PartialEq, Eq)]
pub struct ConsumerUrl(Url);

impl ConsumerUrl {
    /// Parses and normalises a URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > MAX_BYTES {
            return Err(UrlError::TooLong);
        }
        let url = Url::parse(text)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme(url.scheme().to_owned()));
        }
        check_parts(&url)?;
        if url.as_str().len() > MAX_BYTES {
            return Err(UrlError::TooLong);
        }
        Ok(Self(url))
    }

    /// Checks that the host may be called.
    pub fn check_host(&self, allow_private: bool) -> Result<(), HostError> {
        match self.0.host() {
            Some(host) => host::check(&host, allow_private),
            None => Ok(()),
        }
    }

    /// Returns the whole URL.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the URL to call.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Returns the URL of the handshake: the query is unchanged, with `handshake=true` appended.
    pub fn with_handshake(&self) -> Url {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(HANDSHAKE, "true");
        url
    }

    /// Returns the URL for responses, without the values of parameters that may be secrets.
    pub fn redacted(&self) -> String {
        let query = self.0.query().unwrap_or_default();
        if query.is_empty() {
            return self.as_str().to_owned();
        }
        let pairs: Vec<String> = query.split('&').map(redact).collect();
        format!("{}?{}", self.for_log(), pairs.join("&"))
    }

    /// Returns true if the query has the replacement for a redacted value.
    pub fn has_redacted_value(&self) -> bool {
        self.0.query_pairs().any(|(_, value)| value == REDACTED)
    }

    /// Returns the URL without its query, which may contain a token.
    pub fn for_log(&self) -> &str {
        &self.0[..Position::AfterPath]
    }
}

/// Redacts a registered URL as [`ConsumerUrl::redacted`] does. If it is not a URL, its query is
/// removed.
pub fn redacted(registered: &str) -> String {
    match ConsumerUrl::parse(registered) {
        Ok(url) => url.redacted(),
        Err(_) => registered.split('?').next().unwrap_or_default().to_owned(),
    }
}

fn redact(pair: &str) -> String {
    let name = pair.split('=').next().unwrap_or_default();
    let decoded = url::form_urlencoded::parse(name.as_bytes()).next();
    let decoded = decoded.map_or(String::new(), |(name, _)| name.to_lowercase());
    if name.len() < pair.len() && SECRETS.iter().any(|secret| decoded.contains(secret)) {
        format!("{name}={REDACTED}")
    } else {
        pair.to_owned()
    }
}

fn check_parts(url: &Url) -> Result<(), UrlError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(UrlError::Fragment);
    }
    if url
        .host_str()
        .is_none_or(|host| host.trim_matches('.').is_empty())
    {
        return Err(UrlError::NoHost);
    }
    if url.port() == Some(0) {
        return Err(UrlError::PortZero);
    }
    if url.query_pairs().any(|(name, _)| name == HANDSHAKE) {
        return Err(UrlError::HandshakeParameter);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(text: &str) -> String {
        ConsumerUrl::parse(text)
            .ok()
            .unwrap()
            .with_handshake()
            .into()
    }

    #[test]
    fn a_handshake_keeps_the_query_unchanged() {
        assert_eq!(
            handshake("http://c.example/"),
            "http://c.example/?handshake=true"
        );
        assert_eq!(
            handshake("http://c.example/?"),
            "http://c.example/?handshake=true"
        );
        assert_eq!(
            handshake("http://c.example/a?x=%20+y&z&&token=a%2Fb"),
            "http://c.example/a?x=%20+y&z&&token=a%2Fb&handshake=true"
        );
    }

    #[test]
    fn values_that_may_be_secrets_are_redacted() {
        for (registered, expected) in [
            ("http://c.example/", "http://c.example/"),
            ("http://c.example/?", "http://c.example/?"),
            ("http://c.example/a?x=1&y", "http://c.example/a?x=1&y"),
            (
                "http://c.example/a?token=s3cret&x=1",
                "http://c.example/a?token=***&x=1",
            ),
            (
                "http://c.example/?x&Access_Token=s3=cret&API-KEY=s3cret",
                "http://c.example/?x&Access_Token=***&API-KEY=***",
            ),
            (
                "http://c.example/?t%6Fken=s3cret",
                "http://c.example/?t%6Fken=***",
            ),
            (
                "http://c.example/?signature=s3cret",
                "http://c.example/?signature=***",
            ),
            ("http://c.example/?token", "http://c.example/?token"),
            ("no URL?token=s3cret", "no URL"),
        ] {
            assert_eq!(redacted(registered), expected);
        }
    }

    #[test]
    fn the_length_is_checked_before_and_after_normalisation() {
        let fits = format!("http://c.example/{}", "a".repeat(MAX_BYTES - 17));
        assert!(ConsumerUrl::parse(&fits).is_ok());
        let long = format!("{fits}a");
        assert_eq!(ConsumerUrl::parse(&long).err(), Some(UrlError::TooLong));
        // Normalisation replaces each of these letters by six bytes.
        let grows = format!("http://c.example/{}", "ä".repeat(500));
        assert_eq!(ConsumerUrl::parse(&grows).err(), Some(UrlError::TooLong));
    }

    #[test]
    fn an_error_never_contains_credentials() {
        let error = ConsumerUrl::parse("http://user:s3cret@c.example/")
            .err()
            .unwrap();
        assert_eq!(error, UrlError::Credentials);
        assert!(!error.to_string().contains("s3cret"));
    }
}
