//! The hosts that a component can connect to: the entries of its `allowed_outbound_hosts`.
//!
//! An entry is `scheme://host[:port]`. The scheme is a word or `*`. The host is a name, an
//! address, `*.` before a domain, a network such as `10.0.0.0/8`, `self` or `*`. The port is a
//! number, a range `first..end` without its end, or `*`; the default is the port of the scheme.
//! Parsing and matching are the same as in Spin.
//!
//! ```
//! use spin_local::AllowedHost;
//!
//! let entry = AllowedHost::parse("https://*.example.com").unwrap();
//! assert!(entry.allows("https", "api.example.com", None));
//! assert!(!entry.allows("https", "api.example.com", Some(8443)));
//! assert!(!entry.allows("https", "example.com", None));
//! ```

use std::fmt;
use std::ops::Range;

use ip_network::IpNetwork;
use url::Host;

/// The suffix of the host names by which components of an app call each other.
const COMPONENTS_SUFFIX: &str = ".spin.internal";

/// One entry of `allowed_outbound_hosts`.
#[derive(Clone, Debug)]
pub struct AllowedHost {
    written: String,
    scheme: Scheme,
    host: HostPattern,
    port: Port,
}

/// The error of an invalid entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowedHostError {
    /// The entry that allowed everything in Spin 1.
    #[error("`insecure:allow-all` is no longer supported; `*://*:*` allows everything")]
    AllowAll,
    /// The scheme is missing.
    #[error("`{0}` has no scheme; write `scheme://host[:port]`")]
    NoScheme(String),
    /// The scheme is invalid.
    #[error("the scheme `{0}` is neither letters nor `*`")]
    Scheme(String),
    /// The host is invalid.
    #[error("the host `{host}` {reason}")]
    Host {
        /// The host as written.
        host: String,
        /// The reason, as the end of the message.
        reason: &'static str,
    },
    /// The entry has a path.
    #[error("`{0}` has a path")]
    Path(String),
    /// The port is invalid.
    #[error("the port `{0}` is not a number, a range or `*`")]
    Port(String),
    /// The port is missing, and the scheme has no default port.
    #[error("the scheme `{0}` has no default port, so the port is required")]
    NoPort(String),
}

impl AllowedHost {
    /// Parses an entry, whose variables must be filled in.
    ///
    /// # Errors
    ///
    /// The part of the entry that is invalid.
    pub fn parse(entry: &str) -> Result<Self, AllowedHostError> {
        let text = entry.trim();
        if text == "insecure:allow-all" {
            return Err(AllowedHostError::AllowAll);
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| AllowedHostError::NoScheme(text.to_owned()))?;
        let (host, port) = split_port(rest)?;
        Ok(Self {
            written: entry.to_owned(),
            port: Port::parse(port, scheme)?,
            scheme: Scheme::parse(scheme)?,
            host: HostPattern::parse(host)?,
        })
    }

    /// Returns `true` if a connection is allowed. `host` is a name, an IPv4 address or a bracketed
    /// IPv6 address; `port` is `None` if the URL has none.
    pub fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let Ok(host) = Host::parse(host) else {
            return false;
        };
        self.scheme.allows(scheme)
            && self.host.allows(&host)
            && self.port.allows(port.or_else(|| default_port(scheme)))
    }

    /// Returns `true` if the app can call itself with one of `schemes`, by a URL without a host.
    pub fn allows_relative(&self, schemes: &[&str]) -> bool {
        schemes.iter().any(|scheme| self.scheme.allows(scheme))
            && matches!(self.host, HostPattern::Any | HostPattern::Itself)
    }

    /// Resolves the entry in an app: `*.spin.internal` stands for its components only.
    pub(crate) fn among<'a>(mut self, components: impl Iterator<Item = &'a str>) -> Self {
        if matches!(&self.host, HostPattern::Subdomains(suffix) if suffix == COMPONENTS_SUFFIX) {
            let host = |id| Host::Domain(format!("{id}{COMPONENTS_SUFFIX}"));
            self.host = HostPattern::OneOf(components.map(host).collect());
        }
        self
    }

    /// Returns the scheme, or `None` for `*`.
    pub(crate) fn scheme(&self) -> Option<&str> {
        match &self.scheme {
            Scheme::Any => None,
            Scheme::Exactly(only) => Some(only),
        }
    }

    /// Returns the id of the component, if the host is `<id>.spin.internal`.
    pub(crate) fn component(&self) -> Option<&str> {
        match &self.host {
            HostPattern::Exactly(Host::Domain(name)) => name.strip_suffix(COMPONENTS_SUFFIX),
            _ => None,
        }
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Returns `true` if any of `hosts` allows a connection. See [`AllowedHost::allows`].
pub fn allows(hosts: &[AllowedHost], scheme: &str, host: &str, port: Option<u16>) -> bool {
    hosts.iter().any(|entry| entry.allows(scheme, host, port))
}

/// Returns `true` if any of `hosts` lets the app call itself. See [`AllowedHost::allows_relative`].
pub fn allows_relative(hosts: &[AllowedHost], schemes: &[&str]) -> bool {
    hosts.iter().any(|entry| entry.allows_relative(schemes))
}

/// Formats an origin like an entry, with the port only if the URL has one.
pub(crate) fn origin(scheme: &str, host: &str, port: Option<u16>) -> String {
    match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

/// Splits off `:port`, unless the last colon is part of an IPv6 address.
fn split_port(rest: &str) -> Result<(&str, &str), AllowedHostError> {
    let Some((host, tail)) = rest.rsplit_once(':') else {
        return Ok((rest, ""));
    };
    if !tail.is_empty() && HostPattern::parse(rest).is_ok() {
        return Ok((rest, ""));
    }
    match tail.split_once('/') {
        None => Ok((host, tail)),
        Some((port, "")) => Ok((host, port)),
        Some(_) => Err(AllowedHostError::Path(rest.to_owned())),
    }
}

#[derive(Clone, Debug)]
enum Scheme {
    Any,
    Exactly(String),
}

impl Scheme {
    fn parse(text: &str) -> Result<Self, AllowedHostError> {
        if text == "*" {
            Ok(Self::Any)
        } else if !text.is_empty() && text.chars().all(char::is_alphabetic) {
            Ok(Self::Exactly(text.to_owned()))
        } else {
            Err(AllowedHostError::Scheme(text.to_owned()))
        }
    }

    fn allows(&self, scheme: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(only) => only == scheme,
        }
    }
}

#[derive(Clone, Debug)]
enum HostPattern {
    Any,
    /// The app itself, called by a URL without a host.
    Itself,
    /// The domain with a leading dot.
    Subdomains(String),
    Network(IpNetwork),
    Exactly(Host),
    OneOf(Vec<Host>),
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, AllowedHostError> {
        let error = |reason| AllowedHostError::Host {
            host: text.to_owned(),
            reason,
        };
        let host = text.trim();
        match host {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::Itself),
            _ => {}
        }
        if host.starts_with('{') {
            return Err(error("is a list, which Spin does not support"));
        }
        if let Ok(network) = IpNetwork::from_str_truncate(host) {
            return Ok(Self::Network(network));
        }
        let host = host.strip_suffix('/').unwrap_or(host);
        if host.contains('/') {
            return Err(AllowedHostError::Path(text.to_owned()));
        }
        let domain = host.strip_prefix("*.");
        if domain.unwrap_or(host).contains('*') {
            return Err(error("has a `*` that is not its whole first label"));
        }
        match (domain, Host::parse(domain.unwrap_or(host))) {
            (None, Ok(host)) => Ok(Self::Exactly(host)),
            (Some(_), Ok(Host::Domain(domain))) => Ok(Self::Subdomains(format!(".{domain}"))),
            (Some(_), Ok(_)) => Err(error("has a `*` before an address")),
            (_, Err(_)) => Err(error("is not a host name or an address")),
        }
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Itself, _) => false,
            (Self::Subdomains(suffix), Host::Domain(domain)) => domain.ends_with(suffix),
            (Self::Network(network), Host::Ipv4(address)) => network.contains(*address),
            (Self::Network(network), Host::Ipv6(address)) => network.contains(*address),
            (Self::Subdomains(_), _) | (Self::Network(_), Host::Domain(_)) => false,
            (Self::Exactly(only), host) => only == host,
            (Self::OneOf(hosts), host) => hosts.contains(host),
        }
    }
}

#[derive(Clone, Debug)]
enum Port {
    Any,
    Exactly(u16),
    In(Range<u16>),
}

impl Port {
    fn parse(text: &str, scheme: &str) -> Result<Self, AllowedHostError> {
        let number = |digits: &str| {
            let port = digits.parse::<u16>();
            port.map_err(|_| AllowedHostError::Port(text.to_owned()))
        };
        match (text, text.split_once("..")) {
            ("", _) => default_port(scheme)
                .map(Self::Exactly)
                .ok_or_else(|| AllowedHostError::NoPort(scheme.to_owned())),
            ("*", _) => Ok(Self::Any),
            (_, Some((first, after))) => Ok(Self::In(number(first)?..number(after)?)),
            (_, None) => Ok(Self::Exactly(number(text)?)),
        }
    }

    fn allows(&self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::Any, _) => true,
            (Self::Exactly(only), Some(port)) => *only == port,
            (Self::In(range), Some(port)) => range.contains(&port),
            (_, None) => false,
        }
    }
}

/// Returns the default port that Spin assigns to a scheme.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "mqtt" => Some(1883),
        "mysql" => Some(3306),
        "postgres" => Some(5432),
        "redis" => Some(6379),
        _ => None,
    }
}
