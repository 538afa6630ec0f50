//! The address check, against SSRF: the URLs and addresses that deliveries may go to.
//!
//! A URL is checked when an endpoint is written ([`check_url`]: its text alone), and its addresses
//! whenever a connection is made ([`Policy::check_ip`]).
//!
//! ```
//! use webhook_client::{Policy, check_url};
//!
//! let policy = Policy::default();
//! assert!(check_url("https://example.com/hooks", &policy).is_ok());
//! for refused in ["http://example.com/", "https://0x7f.1/", "https://[::ffff:10.0.0.1]/"] {
//!     assert!(check_url(refused, &policy).is_err());
//! }
//! ```

use std::net::IpAddr;

use ip_network::IpNetwork;
use ip_scope::{Scope, scope, scope_of_name};
use url::{Host, Url};

use super::origin;

/// The most bytes of a URL, before and after it is normalised.
pub const MAX_URL_BYTES: usize = 2048;

/// The policy on receivers: those that may be called beside public ones over `https`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Allows `http`.
    pub allow_http: bool,
    /// Networks allowed by the address check. A metadata service is allowed only by a network of its
    /// address alone, such as `169.254.169.254/32`, so that it is not allowed by accident.
    pub allow_networks: Vec<IpNetwork>,
    /// Networks refused beside the built-in ones. They take precedence over `allow_networks`.
    pub deny_networks: Vec<IpNetwork>,
}

/// The reason why an origin, such as `https://example.com:8443`, is refused. The text does not contain
/// the addresses of a name: that would disclose the sender's network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("`{0}` is not public: it leads to this machine or into a private network")]
    Private(String),
    #[error("`{0}` belongs to a metadata service")]
    Metadata(String),
    #[error("`{0}` leads into a network that `delivery.deny_networks` names")]
    Denied(String),
}

/// The reason why a URL is refused. The text does not contain credentials or queries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("the URL is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
    #[error("the URL is malformed: {0}")]
    Malformed(#[from] url::ParseError),
    #[error("the URL's scheme `{0}` is neither `https` nor `http`")]
    Scheme(String),
    #[error("the URL's scheme is `http`, and `allow_http` is off")]
    Http,
    #[error("the URL holds credentials")]
    Credentials,
    #[error("the URL has a fragment, which is never sent")]
    Fragment,
    #[error("the URL has no host")]
    NoHost,
    #[error("the URL's port is 0")]
    PortZero,
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Parses the URL of an endpoint and checks it without resolving names: the addresses of a name are
/// checked at each connection.
///
/// # Errors
///
/// A [`UrlError`].
pub fn check_url(text: &str, policy: &Policy) -> Result<Url, UrlError> {
    if text.len() > MAX_URL_BYTES {
        return Err(UrlError::TooLong);
    }
    let url = Url::parse(text)?;
    if url.as_str().len() > MAX_URL_BYTES {
        return Err(UrlError::TooLong);
    }
    check_parsed(&url, policy)?;
    Ok(url)
}

/// Checks a parsed URL as [`check_url`] does.
pub(super) fn check_parsed(url: &Url, policy: &Policy) -> Result<(), UrlError> {
    match url.scheme() {
        "https" => {}
        "http" if policy.allow_http => {}
        "http" => return Err(UrlError::Http),
        other => return Err(UrlError::Scheme(other.chars().take(80).collect())),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(UrlError::Fragment);
    }
    if url.port() == Some(0) {
        return Err(UrlError::PortZero);
    }
    policy.check_host(&url.host().ok_or(UrlError::NoHost)?, origin::key(url))
}

impl Policy {
    /// Checks the text of a host.
    fn check_host(&self, host: &Host<&str>, origin: &str) -> Result<(), UrlError> {
        match host {
            Host::Ipv4(address) => Ok(self.check_ip(IpAddr::V4(*address), origin)?),
            Host::Ipv6(address) => Ok(self.check_ip(IpAddr::V6(*address), origin)?),
            Host::Domain(name) if name.trim_matches('.').is_empty() => Err(UrlError::NoHost),
            Host::Domain(name) => Ok(self.check_name(name, origin)?),
        }
    }

    /// Checks an address of `origin`.
    ///
    /// # Errors
    ///
    /// An [`AddressError`] that names the origin.
    pub fn check_ip(&self, address: IpAddr, origin: &str) -> Result<(), AddressError> {
        // An IPv4-mapped address leads to the IPv4 address in it.
        let spellings = [address, address.to_canonical()];
        if spellings
            .iter()
            .any(|it| contains(&self.deny_networks, *it))
        {
            return Err(AddressError::Denied(origin.to_owned()));
        }
        match scope(address) {
            Scope::Public => Ok(()),
            Scope::Private if contains(&self.allow_networks, address) => Ok(()),
            Scope::Forbidden if self.names(address) => Ok(()),
            Scope::Private => Err(AddressError::Private(origin.to_owned())),
            Scope::Forbidden => Err(AddressError::Metadata(origin.to_owned())),
        }
    }

    /// Checks a name. If the operator allows any network, private names pass: their addresses are
    /// checked after resolution.
    fn check_name(&self, name: &str, origin: &str) -> Result<(), AddressError> {
        match scope_of_name(name) {
            Scope::Forbidden => Err(AddressError::Metadata(origin.to_owned())),
            Scope::Private if self.allow_networks.is_empty() => {
                Err(AddressError::Private(origin.to_owned()))
            }
            Scope::Private | Scope::Public => Ok(()),
        }
    }

    fn names(&self, address: IpAddr) -> bool {
        self.allow_networks.contains(&IpNetwork::from(address))
    }
}

fn contains(networks: &[IpNetwork], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}
