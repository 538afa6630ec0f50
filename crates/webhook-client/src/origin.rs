//! The origin of a URL: the server that a connection leads to.

use url::{Host, Position, Url};

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The text that [`key`] returns.
    pub key: Box<str>,
    pub host: Host<String>,
    pub port: u16,
    pub tls: bool,
}

impl Origin {
    /// Returns the origin of a URL; `None` only for one that was not checked.
    pub(super) fn of(url: &Url) -> Option<Self> {
        Some(Self {
            key: key(url).into(),
            host: url.host()?.to_owned(),
            port: url.port_or_known_default()?,
            tls: url.scheme() == "https",
        })
    }
}

/// Returns the text that identifies an origin, such as `https://example.com:8443`. Allocates nothing.
pub(super) fn key(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

/// Returns the value of the `Host` header (RFC 9110, section 7.2).
pub(super) fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// Returns the request target (RFC 9112, section 3.2.1).
pub(super) fn target(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}
