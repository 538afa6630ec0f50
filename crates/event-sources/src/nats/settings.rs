//! The settings of a JetStream stream, and the address of its server.

use std::fmt;

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;
use webhook_model::TenantId;

use crate::Bounds;

/// A stream, a durable consumer, and the bounds of reading.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the source.
    pub name: String,
    pub address: Address,
    pub credentials: Option<Credentials>,
    /// The stream, which must exist.
    pub stream: String,
    /// The durable consumer. It is created if it does not exist.
    pub consumer: String,
    /// The subjects that the consumer is created for; all of the stream's if there are none. More than
    /// one need a server of version 2.10.
    pub subjects: Vec<String>,
    pub bounds: Bounds,
    /// The tenant of all messages. Without it, each message names its tenant.
    pub tenant: Option<TenantId>,
}

impl Settings {
    /// Creates settings with default bounds.
    pub fn new(
        name: impl Into<String>,
        address: Address,
        stream: impl Into<String>,
        consumer: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            address,
            credentials: None,
            stream: stream.into(),
            consumer: consumer.into(),
            subjects: Vec::new(),
            bounds: Bounds::default(),
            tenant: None,
        }
    }
}

/// The content of a credentials file: a JWT and the seed of its key.
#[derive(Clone)]
pub struct Credentials(String);

impl Credentials {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// The address of a NATS server: `nats://[user:password@|token@]host[:port]`, and `tls://` for TLS.
#[derive(Clone)]
pub struct Address(ServerAddr);

/// The reason why a URL is no address of NATS. Does not contain the URL, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URL such as `nats://USER:PASSWORD@HOST:PORT` or `tls://HOST:PORT`")]
pub struct AddressError;

impl Address {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// An [`AddressError`].
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let address: ServerAddr = url.parse().map_err(|_| AddressError)?;
        let known = matches!(address.scheme(), "nats" | "tls") && !address.host().is_empty();
        known.then_some(Self(address)).ok_or(AddressError)
    }

    /// Adds the user and the password, or the token: the client library ignores those of a URL.
    pub(super) fn authenticate(&self, options: ConnectOptions) -> ConnectOptions {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        match (self.0.username(), self.0.password()) {
            (Some(user), Some(password)) => {
                options.user_and_password(decoded(user), decoded(password))
            }
            (Some(token), None) => options.token(decoded(token)),
            (None, _) => options,
        }
    }

    pub(super) fn server(&self) -> ServerAddr {
        self.0.clone()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}:{}",
            self.0.scheme(),
            self.0.host(),
            self.0.port()
        )
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
    fn no_secret_is_shown() {
        let address = Address::parse("tls://me:s3cret@one").unwrap();
        assert_eq!(address.to_string(), "tls://one:4222");
        assert_eq!(format!("{:?}", Credentials::new("s3cret")), "Credentials");
        for bad in [
            "nats://me:s3cret@one:port",
            "http://:s3cret@one",
            "nats://",
            "ws://one",
        ] {
            let error = Address::parse(bad).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
