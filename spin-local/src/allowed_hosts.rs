//! Where a component may connect to: the entries of its `allowed_outbound_hosts`.
//!
//! An entry is `scheme://host[:port]`. The scheme is a word or `*`; the host is a name, an
//! address, `*.` before a domain, a network such as `10.0.0.0/8`, `self` or `*`; the port is a
//! number, `first..after` without its end, or `*`, and where there is none the scheme's own is
//! meant. What is read and what is allowed is exactly what Spin reads and allows.
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

/// What follows a component's id in the host name by which the others of its app reach it.
const COMPONENTS_SUFFIX: &str = ".spin.internal";

/// One entry of `allowed_outbound_hosts`.
#[derive(Clone, Debug)]
pub struct AllowedHost {
    written: String,
    scheme: Scheme,
    host: HostPattern,
    port: Port,
}

/// Why an entry was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowedHostError {
    #[error("`insecure:allow-all` is no longer an allowed host; `*://*:*` allows everything")]
    AllowAll,
    #[error("`{0}` has no scheme; write `scheme://host[:port]`")]
    NoScheme(String),
    #[error("the scheme `{0}` is neither letters nor `*`")]
    Scheme(String),
    #[error("the host `{host}` {reason}")]
    Host { host: String, reason: &'static str },
    #[error("`{0}` has a path")]
    Path(String),
    #[error("the port `{0}` is not a number, a range or `*`")]
    Port(String),
    #[error("the scheme `{0}` has no port of its own, so the port must be given")]
    NoPort(String),
}

impl AllowedHost {
    /// Reads one entry in which no variable is left.
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

    /// Whether a connection is allowed. `host` is a name, an IPv4 address or a bracketed IPv6
    /// address; `port` is `None` where the URL has none.
    pub fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let Ok(host) = Host::parse(host) else {
            return false;
        };
        self.scheme.allows(scheme)
            && self.host.allows(&host)
            && self.port.allows(port.or_else(|| known_port(scheme)))
    }

    /// Whether the app may call itself with one of `schemes`, by a URL that is a path alone.
    pub fn allows_relative(&self, schemes: &[&str]) -> bool {
        schemes.iter().any(|scheme| self.scheme.allows(scheme))
            && matches!(self.host, HostPattern::Any | HostPattern::Itself)
    }

    /// The entry in an app of these components: `*.spin.internal` stands for them and for
    /// nothing else.
    pub(crate) fn among<'a>(mut self, components: impl Iterator<Item = &'a str>) -> Self {
        if matches!(&self.host, HostPattern::Subdomains(suffix) if suffix == COMPONENTS_SUFFIX) {
            let host = |id| Host::Domain(format!("{id}{COMPONENTS_SUFFIX}"));
            self.host = HostPattern::OneOf(components.map(host).collect());
        }
        self
    }

    /// The scheme that it is for, where it is for one.
    pub(crate) fn scheme(&self) -> Option<&str> {
        match &self.scheme {
            Scheme::Any => None,
            Scheme::Exactly(only) => Some(only),
        }
    }

    /// The component that it names, where it is `<id>.spin.internal`.
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

/// Whether any of `hosts` allows a connection; the arguments are those of [`AllowedHost::allows`].
pub fn allows(hosts: &[AllowedHost], scheme: &str, host: &str, port: Option<u16>) -> bool {
    hosts.iter().any(|entry| entry.allows(scheme, host, port))
}

/// Whether any of `hosts` lets the app call itself with one of `schemes`.
pub fn allows_relative(hosts: &[AllowedHost], schemes: &[&str]) -> bool {
    hosts.iter().any(|entry| entry.allows_relative(schemes))
}

/// An origin as an entry names it: the port only where a URL has one.
pub(crate) fn origin(scheme: &str, host: &str, port: Option<u16>) -> String {
    match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

/// Takes `:port` off, where what stands behind the last colon is not the end of an IPv6 host.
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
    /// The app itself, called by a URL that is a path alone.
    Itself,
    /// The domain with a dot before it.
    Subdomains(String),
    Network(IpNetwork),
    Exactly(Host),
    OneOf(Vec<Host>),
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, AllowedHostError> {
        let refuse = |reason| AllowedHostError::Host {
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
            return Err(refuse("is a list, which Spin does not take"));
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
            return Err(refuse("has a `*` that is not its whole first label"));
        }
        match (domain, Host::parse(domain.unwrap_or(host))) {
            (None, Ok(host)) => Ok(Self::Exactly(host)),
            (Some(_), Ok(Host::Domain(domain))) => Ok(Self::Subdomains(format!(".{domain}"))),
            (Some(_), Ok(_)) => Err(refuse("has a `*` before an address")),
            (_, Err(_)) => Err(refuse("is not a host name or an address")),
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
    Among(Range<u16>),
}

impl Port {
    fn parse(text: &str, scheme: &str) -> Result<Self, AllowedHostError> {
        let number = |digits: &str| {
            let port = digits.parse::<u16>();
            port.map_err(|_| AllowedHostError::Port(text.to_owned()))
        };
        match (text, text.split_once("..")) {
            ("", _) => known_port(scheme)
                .map(Self::Exactly)
                .ok_or_else(|| AllowedHostError::NoPort(scheme.to_owned())),
            ("*", _) => Ok(Self::Any),
            (_, Some((first, after))) => Ok(Self::Among(number(first)?..number(after)?)),
            (_, None) => Ok(Self::Exactly(number(text)?)),
        }
    }

    fn allows(&self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::Any, _) => true,
            (Self::Exactly(only), Some(port)) => *only == port,
            (Self::Among(range), Some(port)) => range.contains(&port),
            (_, None) => false,
        }
    }
}

/// The port of a scheme that Spin knows one for.
fn known_port(scheme: &str) -> Option<u16> {
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
