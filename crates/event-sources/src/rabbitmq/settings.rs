//! The settings of a RabbitMQ queue, and the address of its server.

use std::str::FromStr;

use lapin::uri::{AMQPScheme, AMQPUri};
use webhook_model::TenantId;

use crate::Bounds;
use crate::entry::max_entry_bytes;

/// The most messages that are delivered before the first of them is acknowledged.
const MAX_PREFETCH: u16 = 1024;

/// A queue, and the bounds of reading it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the source.
    pub name: String,
    pub address: Address,
    /// The queue, which must exist. Its kind does not matter.
    pub queue: String,
    pub bounds: Bounds,
    /// The most messages that the server delivers before they are acknowledged. The default is as many as
    /// fit into the memory of the source, if each is as large as an event may be.
    pub prefetch: Option<u16>,
    /// The tenant of all messages. Without it, each message names its tenant.
    pub tenant: Option<TenantId>,
}

impl Settings {
    /// Creates settings with default bounds.
    pub fn new(name: impl Into<String>, address: Address, queue: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            address,
            queue: queue.into(),
            bounds: Bounds::default(),
            prefetch: None,
            tenant: None,
        }
    }

    /// Returns the most bytes of a message's body that are read.
    pub(super) fn max_body(&self) -> usize {
        max_entry_bytes(self.bounds.max_data_bytes)
    }

    pub(super) fn prefetch(&self) -> u16 {
        let fitting = self.bounds.max_bytes / self.max_body();
        let fitting = u16::try_from(fitting).unwrap_or(MAX_PREFETCH);
        self.prefetch.unwrap_or(fitting.clamp(1, MAX_PREFETCH))
    }
}

/// The address of a RabbitMQ server: `amqp://[user:password@]host[:port][/vhost]`, and `amqps://` for TLS.
#[derive(Clone)]
pub struct Address(AMQPUri);

/// The reason why a URL is no address of RabbitMQ. Does not contain the URL, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URL such as `amqp://USER:PASSWORD@HOST:PORT/VHOST`: {0}")]
pub struct AddressError(String);

impl Address {
    /// Parses a URL. An empty virtual host means the default one, `/`.
    ///
    /// # Errors
    ///
    /// An [`AddressError`].
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let mut uri = AMQPUri::from_str(url).map_err(|error| AddressError(reason(&error)))?;
        if uri.vhost.is_empty() {
            uri.vhost = "/".into();
        }
        // The library takes an address of IPv6 for no host, and then for the default one.
        if let Ok(url) = url::Url::parse(url)
            && let Some(url::Host::Ipv6(ip)) = url.host()
        {
            uri.authority.host = ip.to_string();
        }
        Ok(Self(uri))
    }

    pub(super) fn host(&self) -> &str {
        &self.0.authority.host
    }

    pub(super) fn vhost(&self) -> &str {
        &self.0.vhost
    }

    pub(super) fn is_tls(&self) -> bool {
        self.0.scheme == AMQPScheme::AMQPS
    }

    /// Returns the address for the client, whose transport is encrypted already if that is required.
    pub(super) fn for_transport(&self) -> AMQPUri {
        AMQPUri {
            scheme: AMQPScheme::AMQP,
            ..self.0.clone()
        }
    }
}

/// Returns a reason without parts of the URL.
fn reason(error: &str) -> String {
    let known = [
        "scheme",
        "port",
        "host",
        "percent",
        "vhost",
        "query",
        "parameter",
    ];
    let lower = error.to_ascii_lowercase();
    let part = known.into_iter().find(|part| lower.contains(part));
    part.map_or("it cannot be parsed".into(), |part| {
        format!("its {part} is missing or wrong")
    })
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let AMQPUri {
            scheme,
            authority,
            vhost,
            ..
        } = &self.0;
        let (host, port) = (&authority.host, authority.port);
        write!(f, "{scheme}://{host}:{port}/{}", vhost.replace('/', "%2f"))
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let address = Address::parse("amqps://me:s3cret@one/shop").unwrap();
        assert_eq!(address.to_string(), "amqps://one:5671/shop");
        assert!(address.is_tls());
        for bad in [
            "amqp://me:s3cret@one:port",
            "http://:s3cret@one",
            "s3cret",
            "amqp://me:s3cret@",
        ] {
            let error = Address::parse(bad).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn the_default_virtual_host_may_be_left_out() {
        for url in ["amqp://one", "amqp://one/", "amqp://one/%2f"] {
            assert_eq!(
                Address::parse(url).unwrap().to_string(),
                "amqp://one:5672/%2f",
                "{url}"
            );
        }
    }

    #[test]
    fn as_many_messages_are_delivered_as_fit_into_memory_at_their_largest() {
        let mut settings = Settings::new("q", Address::parse("amqp://one").unwrap(), "q");
        let prefetch = |settings: &Settings, max_data_bytes| {
            let bounds = Bounds::shared_by(1, max_data_bytes);
            Settings {
                bounds,
                ..settings.clone()
            }
            .prefetch()
        };
        assert_eq!(prefetch(&settings, 1 << 20), 30);
        assert_eq!(prefetch(&settings, 64 << 20), 1);
        assert_eq!(prefetch(&settings, 1), 511);
        settings.prefetch = Some(7);
        assert_eq!(prefetch(&settings, 1), 7);
    }
}
