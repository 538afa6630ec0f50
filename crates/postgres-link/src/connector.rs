//! Connections: their deadlines, and how they are made.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::error::ConnectError;

/// The deadline of a connection, for each address of the host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The deadline of a connection with its settings, over all hosts.
pub const SETUP_TIMEOUT: Duration = Duration::from_secs(15);

/// The connections to one database.
#[derive(Clone)]
pub struct Connector {
    address: Address,
    config: Config,
    tls: MakeRustlsConnect,
}

/// The part of a connection that the caller must poll.
pub type Driver = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// A connection.
pub type Direct = (Client, Driver);

impl Connector {
    /// Prepares connections to `address`. Reads its file of authorities.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Tls`] and [`ConnectError::Authorities`].
    pub fn new(address: Address) -> Result<Self, ConnectError> {
        let tls = super::tls::connector(&address.tls)?;
        let mut config = address.config.clone();
        if config.get_application_name().is_none() {
            config.application_name("webhook-sender");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config
            .keepalives_idle(Duration::from_secs(15))
            .keepalives_interval(Duration::from_secs(5))
            .tcp_user_timeout(Duration::from_secs(15));
        Ok(Self {
            address,
            config,
            tls,
        })
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the settings of the driver and its TLS, for a pool.
    pub fn parts(&self) -> (Config, MakeRustlsConnect) {
        (self.config.clone(), self.tls.clone())
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// A [`ConnectError`] that names the address and what to do.
    pub async fn connect(&self) -> Result<Direct, ConnectError> {
        match timeout(SETUP_TIMEOUT, self.config.connect(self.tls.clone())).await {
            Ok(connected) => connected.map_err(|error| ConnectError::of(&self.address, &error)),
            Err(_) => Err(ConnectError::timeout(&self.address)),
        }
    }
}
