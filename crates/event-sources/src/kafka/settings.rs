//! The settings of topics, and the addresses of their brokers.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use webhook_model::TenantId;

use crate::Bounds;

const DEFAULT_PORT: u16 = 9092;

/// The time without a heartbeat after which the group gives the partitions of a member to others.
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);

/// Topics, a consumer group, and the bounds of reading.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the source.
    pub name: String,
    pub address: Address,
    /// The topics, which must exist.
    pub topics: Vec<String>,
    /// The consumer group. It begins with the oldest message of a partition.
    pub group: String,
    /// The mechanism of authentication, if the address has a user.
    pub sasl: Sasl,
    /// None for connections that are not encrypted.
    pub tls: Option<Tls>,
    /// The time without a heartbeat after which the group gives the partitions of a member to others.
    pub session_timeout: Duration,
    /// The client library may queue as many bytes again, and a response.
    pub bounds: Bounds,
    /// The tenant of all messages. Without it, each message names its tenant.
    pub tenant: Option<TenantId>,
}

impl Settings {
    /// Creates settings with default bounds, without TLS.
    pub fn new(
        name: impl Into<String>,
        address: Address,
        topics: Vec<String>,
        group: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            address,
            topics,
            group: group.into(),
            sasl: Sasl::Plain,
            tls: None,
            session_timeout: SESSION_TIMEOUT,
            bounds: Bounds::default(),
            tenant: None,
        }
    }
}

/// A mechanism of authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sasl {
    Plain,
    ScramSha256,
    ScramSha512,
}

impl Sasl {
    /// All mechanisms, and their names in a configuration.
    pub const ALL: [(&'static str, Self); 3] = [
        ("plain", Self::Plain),
        ("scram-sha-256", Self::ScramSha256),
        ("scram-sha-512", Self::ScramSha512),
    ];

    /// Returns the name in the protocol.
    #[cfg(feature = "kafka")]
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// Encrypted connections.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// A file of PEM certificates to trust, instead of those of the system.
    pub authorities: Option<PathBuf>,
    pub certificate: Option<ClientCertificate>,
}

/// The certificate of a client and its key, in PEM.
#[derive(Clone)]
pub struct ClientCertificate {
    pub certificate: String,
    pub key: String,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}

/// The addresses of brokers, of which one must be reachable at the start, and the user:
/// `kafka://[user:password@]host[:port][,host[:port]…]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    brokers: Vec<String>,
    user: Option<(String, String)>,
}

/// The reason why a URL is no address of Kafka. Does not contain the URL, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URL such as `kafka://HOST:PORT,HOST:PORT` or `kafka://USER:PASSWORD@HOST:PORT`")]
pub struct AddressError;

impl Address {
    /// Parses a URL. The default port is 9092.
    ///
    /// # Errors
    ///
    /// An [`AddressError`].
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let rest = url.strip_prefix("kafka://").ok_or(AddressError)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, brokers) = match rest.rsplit_once('@') {
            Some((user, brokers)) => (Some(parse_user(user)?), brokers),
            None => (None, rest),
        };
        let brokers: Result<_, _> = brokers.split(',').map(parse_broker).collect();
        Ok(Self {
            brokers: brokers?,
            user,
        })
    }

    /// Returns true if the address has a user and a password.
    pub fn has_user(&self) -> bool {
        self.user.is_some()
    }

    /// Returns the brokers, separated by commas.
    pub(super) fn brokers(&self) -> String {
        self.brokers.join(",")
    }

    #[cfg(feature = "kafka")]
    pub(super) fn user(&self) -> Option<(&str, &str)> {
        let user = self.user.as_ref();
        user.map(|(name, password)| (&**name, &**password))
    }
}

/// Parses a user and a password, in which characters are percent-encoded.
fn parse_user(text: &str) -> Result<(String, String), AddressError> {
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(String::from).map_err(|_| AddressError)
    };
    let (user, password) = text.split_once(':').ok_or(AddressError)?;
    if user.is_empty() || password.is_empty() {
        return Err(AddressError);
    }
    Ok((decoded(user)?, decoded(password)?))
}

/// Parses a host and an optional port. An address of IPv6 is in brackets.
fn parse_broker(text: &str) -> Result<String, AddressError> {
    let url = url::Url::parse(&format!("kafka://{text}")).map_err(|_| AddressError)?;
    let (host, port) = (url.host_str().unwrap_or_default(), url.port());
    let port = port.unwrap_or(DEFAULT_PORT);
    let is_plain = url.path().is_empty() && url.query().is_none() && url.fragment().is_none();
    if host.is_empty() || !is_plain {
        return Err(AddressError);
    }
    Ok(format!("{host}:{port}"))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kafka://{}", self.brokers())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_brokers_with_ports() {
        let shown = |url| Address::parse(url).unwrap().to_string();
        assert_eq!(shown("kafka://one"), "kafka://one:9092");
        assert_eq!(
            shown("kafka://one:1,[::1]:2,three"),
            "kafka://one:1,[::1]:2,three:9092"
        );
        let address = Address::parse("kafka://me:s3c%2fret%40@one").unwrap();
        assert_eq!(address.user, Some(("me".into(), "s3c/ret@".into())));
    }

    #[test]
    fn no_secret_is_shown() {
        let address = Address::parse("kafka://me:s3cret@one").unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "kafka://one:9092 kafka://one:9092"
        );
        let certificate = ClientCertificate {
            certificate: "s3cret".into(),
            key: "s3cret".into(),
        };
        assert_eq!(format!("{certificate:?}"), "ClientCertificate");
        for bad in [
            "kafka://",
            "kafka://me:s3cret@",
            "kafka://me:s3cret@one:port",
            "kafka://me:s3cret@one/path",
            "kafka://s3cret@one",
            "kafka://one,,two",
            "http://:s3cret@one",
        ] {
            let error = Address::parse(bad).expect_err(bad).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
