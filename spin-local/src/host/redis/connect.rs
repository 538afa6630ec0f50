//! Connections to servers: resolves the host, skips blocked addresses, connects, and adds TLS for
//! `rediss`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, RedisError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::meter::{Meter, Metered};
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
    server: &ConnectionInfo,
    blocked: &BlockedNetworks,
    meter: Meter,
) -> Result<(MultiplexedConnection, Driver), RedisError> {
    let connecting = async {
        match server.addr() {
            ConnectionAddr::Tcp(host, port) => {
                let stream = tcp(host, *port, blocked).await?;
                start_protocol(server, Metered::new(stream, meter)).await
            }
            ConnectionAddr::TcpTls { host, port, .. } => {
                let stream = tls(host, *port, blocked).await?;
                start_protocol(server, Metered::new(stream, meter)).await
            }
            _ => Err(io::Error::other("not a network address").into()),
        }
    };
    tokio::time::timeout(CONNECT_TIMEOUT, connecting)
        .await
        .map_err(|_| RedisError::from(io::Error::from(io::ErrorKind::TimedOut)))?
}

async fn tcp(host: &str, port: u16, blocked: &BlockedNetworks) -> io::Result<TcpStream> {
    let addresses = tokio::net::lookup_host((host, port)).await?;
    let mut open: Vec<SocketAddr> = addresses.collect();
    open.retain(|address| !blocked.blocks(address.ip()));
    if open.is_empty() {
        return Err(io::Error::other("every address of the host is blocked"));
    }
    let stream = TcpStream::connect(&*open).await?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Connects with TLS, which trusts the roots of the system.
async fn tls(
    host: &str,
    port: u16,
    blocked: &BlockedNetworks,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, RedisError> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = tcp(host, port, blocked).await?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?)
}

/// Starts the protocol. There is no response timeout here, because some commands block on purpose.
async fn start_protocol(
    server: &ConnectionInfo,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<(MultiplexedConnection, Driver), RedisError> {
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let starting = MultiplexedConnection::new_with_config(server.redis_settings(), stream, config);
    let (connection, driver) = starting.await?;
    Ok((connection, Driver(tokio::spawn(driver))))
}
