//! The address of a database: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…&schema=…`.

use std::fmt;
use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// The schema of the tables, unless the URL names another one.
const DEFAULT_SCHEMA: &str = "webhook_sender";

/// The longest name in PostgreSQL.
const MAX_NAME_BYTES: usize = 63;

/// The parameters that other programs use to load files or to change the session.
const UNSUPPORTED: [&str; 6] = [
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "passfile",
    "options",
];

/// A database, and the schema of a store's tables in it. Displays without the password.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    pub(super) tls: Tls,
    schema: Option<String>,
    shown: String,
}

/// The use of TLS, with the meaning of libpq's `sslmode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tls {
    pub mode: TlsMode,
    /// A file of further authorities: `sslrootcert`.
    pub authorities: Option<PathBuf>,
}

/// The values of `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsMode {
    Disable,
    /// TLS if the server offers it, without a check of its certificate.
    Prefer,
    /// TLS without a check of the certificate.
    Require,
    /// TLS with a certificate of a trusted authority, for any name.
    VerifyCa,
    /// TLS with a certificate of a trusted authority for the name of the host.
    VerifyFull,
}

/// The reason why a text is not an address. It shows no value, except names of parameters.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("a PostgreSQL URL begins with `postgres://` or `postgresql://`")]
    Scheme,
    #[error("`{value}` is not an `sslmode`; known are {KNOWN_MODES}")]
    SslMode { value: String },
    #[error("`schema` must be 1 to 63 of a-z, 0-9 and `_`, and not begin with a digit or `pg_`")]
    Schema,
    #[error("`{0}` is not supported in the URL of PostgreSQL")]
    Unsupported(String),
    #[error("the URL names no host")]
    Host,
    #[error("the URL names no user")]
    User,
    #[error("{0}")]
    Url(String),
}

const KNOWN_MODES: &str = "`disable`, `prefer`, `require`, `verify-ca` and `verify-full`";

impl Address {
    /// Parses a URL. `sslmode` is `prefer` by default, and `schema` is `webhook_sender`.
    ///
    /// # Errors
    ///
    /// An [`AddressError`], which contains no password.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let known = ["postgres://", "postgresql://"];
        if !known.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(AddressError::Scheme);
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut parameters = Parameters::default();
        for (name, value) in pairs(query) {
            parameters.take(name, value)?;
        }
        let mut config: Config = format!("{base}?{}", parameters.rest.join("&"))
            .parse()
            .map_err(|error| AddressError::Url(reason(&error)))?;
        let tls = parameters.tls();
        config.ssl_mode(match tls.mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        Self::of(config, tls, parameters.schema)
    }

    fn of(config: Config, tls: Tls, schema: Option<String>) -> Result<Self, AddressError> {
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(AddressError::Host);
        }
        let user = config.get_user().ok_or(AddressError::User)?;
        let schema = schema.filter(|name| name != DEFAULT_SCHEMA);
        if !schema.as_deref().is_none_or(is_schema) {
            return Err(AddressError::Schema);
        }
        let database = config.get_dbname().unwrap_or(user);
        let mut shown = format!("postgres://{}/{database}", hosts(&config));
        if let Some(schema) = &schema {
            shown = format!("{shown}?schema={schema}");
        }
        Ok(Self {
            shown,
            config,
            tls,
            schema,
        })
    }

    /// Returns the schema of a store's tables.
    pub fn schema(&self) -> &str {
        self.schema.as_deref().unwrap_or(DEFAULT_SCHEMA)
    }

    /// Returns whether the URL names a schema other than the default one.
    pub fn names_schema(&self) -> bool {
        self.schema.is_some()
    }

    /// Returns the user of the connections.
    pub fn user(&self) -> &str {
        self.config.get_user().unwrap_or_default()
    }

    /// Returns the name of the database.
    pub fn database(&self) -> &str {
        self.config.get_dbname().unwrap_or_else(|| self.user())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// The query of a URL: the store's own parameters, and the others for the driver.
#[derive(Default)]
struct Parameters {
    mode: Option<TlsMode>,
    authorities: Option<PathBuf>,
    schema: Option<String>,
    rest: Vec<String>,
}

impl Parameters {
    fn take(&mut self, name: &str, value: &str) -> Result<(), AddressError> {
        match name {
            "sslmode" => self.mode = Some(mode(value)?),
            "sslrootcert" => self.authorities = Some(decoded(value).into()),
            "schema" => self.schema = Some(decoded(value)),
            other if UNSUPPORTED.contains(&other) => {
                return Err(AddressError::Unsupported(other.into()));
            }
            _ => self.rest.push(format!("{name}={value}")),
        }
        Ok(())
    }

    /// Returns the use of TLS. A file of authorities makes `require` check them, as in libpq.
    fn tls(&self) -> Tls {
        let mode = match (self.mode, &self.authorities) {
            (Some(TlsMode::Require), Some(_)) => TlsMode::VerifyCa,
            (mode, _) => mode.unwrap_or(TlsMode::Prefer),
        };
        Tls {
            mode,
            authorities: self.authorities.clone(),
        }
    }
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').unwrap_or((part, "")))
}

fn mode(value: &str) -> Result<TlsMode, AddressError> {
    Ok(match value {
        "disable" => TlsMode::Disable,
        "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" => TlsMode::VerifyFull,
        other => {
            let value = other.chars().take(20).collect();
            return Err(AddressError::SslMode { value });
        }
    })
}

/// Decodes `%` and two hex digits. Anything else stays as it is.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, others @ ..] = rest {
        let escaped = others.get(..2).filter(|_| *first == b'%');
        let byte = escaped.and_then(|digits| hex::decode(digits).ok()?.pop());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &others[2..] } else { others };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_schema(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let first = name.bytes().next();
    name.len() <= MAX_NAME_BYTES
        && first.is_some_and(letter)
        && name
            .bytes()
            .all(|byte| letter(byte) || byte.is_ascii_digit())
        && !name.starts_with("pg_")
}

/// Returns the driver's reason without its general first part.
fn reason(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

fn hosts(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |n: usize| ports.get(n).or(ports.first()).copied().unwrap_or(5432);
    let host = |(n, host): (usize, &Host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(n)),
        #[cfg(unix)]
        Host::Unix(path) => format!("{}:{}", path.display(), port(n)),
    };
    let hosts: Vec<_> = config.get_hosts().iter().enumerate().map(host).collect();
    if hosts.is_empty() {
        let addresses = config.get_hostaddrs().iter().map(ToString::to_string);
        return addresses.collect::<Vec<_>>().join(",");
    }
    hosts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let cases = [
            (
                "postgres://app:secret@db.example:6432/shop",
                "postgres://db.example:6432/shop",
            ),
            (
                "postgresql://app:secret@one,two:6432/shop?target_session_attrs=read-write",
                "postgres://one:5432,two:6432/shop",
            ),
            (
                "postgres://app@db/shop?schema=hooks&sslmode=require",
                "postgres://db:5432/shop?schema=hooks",
            ),
            (
                "postgres://app@%2Frun%2Fpostgresql/shop",
                "postgres:///run/postgresql:5432/shop",
            ),
        ];
        for (url, shown) in cases {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.to_string(), shown, "{url}");
            assert!(!format!("{address:?}").contains("secret"));
        }
    }

    #[test]
    fn sslmode_has_the_meaning_of_libpq() {
        let tls = |query: &str| {
            let address = Address::parse(&format!("postgres://app@db/shop{query}")).unwrap();
            (address.tls.mode, address.config.get_ssl_mode())
        };
        assert_eq!(tls(""), (TlsMode::Prefer, SslMode::Prefer));
        assert_eq!(
            tls("?sslmode=disable"),
            (TlsMode::Disable, SslMode::Disable)
        );
        assert_eq!(
            tls("?sslmode=verify-full"),
            (TlsMode::VerifyFull, SslMode::Require)
        );
        assert_eq!(
            tls("?sslmode=require&sslrootcert=/etc/ca%20file.pem"),
            (TlsMode::VerifyCa, SslMode::Require)
        );
    }

    #[test]
    fn an_invalid_address_is_rejected_without_showing_its_password() {
        let cases = [
            ("mysql://app@db", "begins with `postgres://`"),
            ("postgres://app:secret@/shop", "no host"),
            ("postgres://db/shop", "no user"),
            (
                "postgres://app:secret@db/shop?sslmode=on",
                "`on` is not an `sslmode`",
            ),
            (
                "postgres://app:secret@db/shop?schema=Web-Hooks",
                "`schema` must be",
            ),
            (
                "postgres://app:secret@db/shop?schema=pg_x",
                "`schema` must be",
            ),
            ("postgres://app:secret@db:secret/shop", "port"),
            ("postgres://app:secret@db/shop?colour=red", "colour"),
            (
                "postgres://app:secret@db/shop?options=-c",
                "`options` is not supported",
            ),
        ];
        for (url, reason) in cases {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.contains(reason), "{url}: {error}");
            assert!(!error.contains("secret"), "{url}: {error}");
        }
    }
}
