//! Whom a connection leads to.

use url::{Host, Position, Url};

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// As [`key`] has it.
    pub key: Box<str>,
    pub host: Host<String>,
    pub port: u16,
    pub tls: bool,
}

impl Origin {
    /// The origin of a URL that was checked; `None` for one that was not.
    pub(super) fn of(url: &Url) -> Option<Self> {
        Some(Self {
            key: key(url).into(),
            host: url.host()?.to_owned(),
            port: url.port_or_known_default()?,
            tls: url.scheme() == "https",
        })
    }
}

/// What tells origins apart, without making one: `https://example.com:8443`.
pub(super) fn key(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

/// What the `Host` header says (RFC 9110, section 7.2).
pub(super) fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// What is asked for (RFC 9112, section 3.2.1).
pub(super) fn target(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}
