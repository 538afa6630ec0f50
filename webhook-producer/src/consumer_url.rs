//! The URL a consumer is called at.
//!
//! It is kept as the WHATWG parser writes it, so that one consumer is one row however its URL was
//! spelt, and so that what is checked is what is called.
//!
//! ```
//! use webhook_producer::consumer_url::ConsumerUrl;
//!
//! let url = ConsumerUrl::parse("HTTP://Example.com:80/hook?token=t").unwrap();
//! assert_eq!(url.as_str(), "http://example.com/hook?token=t");
//! assert_eq!(url.with_handshake().as_str(), "http://example.com/hook?token=t&handshake=true");
//! assert_eq!(url.for_log(), "http://example.com/hook");
//! assert_eq!(url.shown(), "http://example.com/hook?token=***");
//! ```

use problem_details::Problem;
use url::{Position, Url};

use crate::host::{self, HostError};
use crate::problems;

/// The longest URL, in bytes, before and after it is normalised.
const LONGEST: usize = 2048;

/// The query parameter that tells a handshake from an event.
const HANDSHAKE: &str = "handshake";

/// The text in the place of a value that is not shown.
const HIDDEN: &str = "***";

/// Parts of the names of query parameters whose values are secrets.
const SECRETS: [&str; 11] = [
    "token", "secret", "key", "sig", "pass", "pwd", "auth", "cred", "code", "session", "jwt",
];

/// Why a text is no consumer's URL. The text itself is not repeated: it may hold credentials.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("the URL is longer than {LONGEST} bytes")]
    TooLong,
    #[error("the URL is malformed: {0}")]
    Malformed(#[from] url::ParseError),
    #[error("the URL's scheme `{0}` is neither `http` nor `https`")]
    Scheme(String),
    #[error("the URL holds credentials")]
    Credentials,
    #[error("the URL has a fragment, which is never sent")]
    Fragment,
    #[error("`{HIDDEN}` in the URL's query stands for a value that is not shown")]
    Hidden,
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

/// A well-formed consumer's URL; whether its host may be called is asked of
/// [`check_host`](Self::check_host).
///
/// The query may hold the consumer's token, so there is no `Debug`. Logs get
/// [`for_log`](Self::for_log), and answers [`shown`](Self::shown).
#[derive(Clone, PartialEq, Eq)]
pub struct ConsumerUrl(Url);

impl ConsumerUrl {
    /// Reads and normalises a URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > LONGEST {
            return Err(UrlError::TooLong);
        }
        let url = Url::parse(text)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme(url.scheme().to_owned()));
        }
        check_parts(&url)?;
        if url.as_str().len() > LONGEST {
            return Err(UrlError::TooLong);
        }
        Ok(Self(url))
    }

    /// Whether the host may be called.
    pub fn check_host(&self, allow_private: bool) -> Result<(), HostError> {
        match self.0.host() {
            Some(host) => host::check(&host, allow_private),
            None => Ok(()),
        }
    }

    /// The whole URL.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL to call.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The URL of the handshake: the query as it is, and `handshake=true` behind it.
    pub fn with_handshake(&self) -> Url {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(HANDSHAKE, "true");
        url
    }

    /// The URL as answers show it: the values of parameters that may be secrets are hidden.
    pub fn shown(&self) -> String {
        let query = self.0.query().unwrap_or_default();
        let hidden: Vec<String> = query.split('&').map(hide).collect();
        match query.is_empty() {
            true => self.as_str().to_owned(),
            false => format!("{}?{}", self.for_log(), hidden.join("&")),
        }
    }

    /// Returns whether the query has the text that stands for a hidden value.
    pub fn is_hidden(&self) -> bool {
        self.0.query_pairs().any(|(_, value)| value == HIDDEN)
    }

    /// The URL without its query, which may hold a token.
    pub fn for_log(&self) -> &str {
        &self.0[..Position::AfterPath]
    }
}

/// Shows a registered URL as [`ConsumerUrl::shown`] does. What is no URL is shown without its query.
pub fn shown(registered: &str) -> String {
    match ConsumerUrl::parse(registered) {
        Ok(url) => url.shown(),
        Err(_) => registered.split('?').next().unwrap_or_default().to_owned(),
    }
}

fn hide(pair: &str) -> String {
    let name = pair.split('=').next().unwrap_or_default();
    let decoded = url::form_urlencoded::parse(name.as_bytes()).next();
    let decoded = decoded.map_or(String::new(), |(name, _)| name.to_lowercase());
    match name.len() < pair.len() && SECRETS.iter().any(|secret| decoded.contains(secret)) {
        true => format!("{name}={HIDDEN}"),
        false => pair.to_owned(),
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
    fn a_handshake_keeps_the_query_byte_for_byte() {
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
    fn values_that_may_be_secrets_are_not_shown() {
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
            assert_eq!(shown(registered), expected);
        }
    }

    #[test]
    fn a_url_is_measured_before_and_after_it_is_normalised() {
        let fits = format!("http://c.example/{}", "a".repeat(LONGEST - 17));
        assert!(ConsumerUrl::parse(&fits).is_ok());
        let long = format!("{fits}a");
        assert_eq!(ConsumerUrl::parse(&long).err(), Some(UrlError::TooLong));
        // Each of these letters becomes six bytes when it is normalised.
        let grows = format!("http://c.example/{}", "ä".repeat(500));
        assert_eq!(ConsumerUrl::parse(&grows).err(), Some(UrlError::TooLong));
    }

    #[test]
    fn an_error_never_repeats_credentials() {
        let error = ConsumerUrl::parse("http://user:s3cret@c.example/")
            .err()
            .unwrap();
        assert_eq!(error, UrlError::Credentials);
        assert!(!error.to_string().contains("s3cret"));
    }
}
