//! Connections to servers: resolves the host, skips blocked addresses, connects, and adds TLS for
//! `rediss`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, RedisError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::reply_size::size;
use crate::host::meter::{Meter, Metered};
use crate::host::server;
use crate::runtime_config::BlockedNetworks;

/// The timeout for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The task that reads and writes a connection. Dropping this ends it.
pub(super) struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects to the server. `meter` limits its replies.
pub(super) async fn connect(
    info: &ConnectionInfo,
    blocked: &BlockedNetworks,
    meter: Meter,
) -> Result<(MultiplexedConnection, Driver), RedisError> {
    let connecting = async {
        match info.addr() {
            ConnectionAddr::Tcp(host, port) => {
                let stream = server::connect(host, *port, blocked).await?;
                start_protocol(info, Metered::new(stream, meter, size())).await
            }
            ConnectionAddr::TcpTls { host, port, .. } => {
                let stream = tls(host, *port, blocked).await?;
                start_protocol(info, Metered::new(stream, meter, size())).await
            }
            _ => Err(io::Error::other("not a network address").into()),
        }
    };
    tokio::time::timeout(CONNECT_TIMEOUT, connecting)
        .await
        .map_err(|_| RedisError::from(io::Error::from(io::ErrorKind::TimedOut)))?
}

/// Connects with TLS, which trusts the roots of the system.
async fn tls(
    host: &str,
    port: u16,
    blocked: &BlockedNetworks,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, RedisError> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = server::connect(host, port, blocked).await?;
    let config = ClientConfig::builder()
        .with_root_certificates(server::system_roots())
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?)
}

/// Starts the protocol. There is no response timeout here, because some commands block on purpose.
async fn start_protocol(
    info: &ConnectionInfo,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<(MultiplexedConnection, Driver), RedisError> {
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let starting = MultiplexedConnection::new_with_config(info.redis_settings(), stream, config);
    let (connection, driver) = starting.await?;
    Ok((connection, Driver(tokio::spawn(driver))))
}
