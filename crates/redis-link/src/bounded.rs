//! A connection with a limit on the size of replies.
//!
//! A reply to `XREADGROUP` is as large as its entries, and the server does not announce its size. The
//! connection closes when a reply exceeds the limit; its entries are then pending.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, RedisError, RedisResult};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use tls_trust::client_config;

/// The code of the error for a reply that is larger than the connection's bound.
pub const REPLY_TOO_LARGE: &str = "REPLYTOOLARGE";

/// The time within which one address of a host must accept a connection.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(1);

/// A limit on the bytes of one reply, and a flag that the connection sets when it is exceeded.
#[derive(Clone)]
pub(super) struct Bound {
    max_bytes: usize,
    exceeded: Arc<AtomicBool>,
}

impl Bound {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            exceeded: Arc::default(),
        }
    }

    /// Returns the error of a command on the connection; one with the code [`REPLY_TOO_LARGE`] if the
    /// connection was closed because of its limit.
    pub(super) fn explain(&self, error: RedisError) -> RedisError {
        if !self.exceeded.swap(false, Ordering::Relaxed) {
            return error;
        }
        let detail = format!("the reply is larger than {} bytes", self.max_bytes);
        redis::make_extension_error(REPLY_TOO_LARGE.into(), Some(detail))
    }

    /// Connects to one server. Commands must be sent one after the other: the bytes of a reply count
    /// from the moment at which its command is written.
    ///
    /// # Errors
    ///
    /// Errors of the network, of TLS and of the server.
    pub(super) async fn connect(
        &self,
        client: &Client,
        config: AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        let info = client.get_connection_info();
        let stream = Bounded {
            inner: dial(info.addr()).await?,
            bound: self.clone(),
            read: 0,
        };
        let settings = info.redis_settings();
        let connected = MultiplexedConnection::new_with_config(settings, stream, config);
        let (connection, driver) = connected.await?;
        tokio::spawn(driver);
        Ok(connection)
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn dial(address: &ConnectionAddr) -> RedisResult<Box<dyn Stream>> {
    match address {
        ConnectionAddr::Tcp(host, port) => Ok(Box::new(dial_tcp(host, *port).await?)),
        ConnectionAddr::TcpTls { host, port, .. } => {
            let config = client_config(&[]).map_err(io::Error::other)?;
            let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
            let tcp = dial_tcp(host, *port).await?;
            let connector = TlsConnector::from(Arc::new(config));
            Ok(Box::new(connector.connect(name, tcp).await?))
        }
        _ => {
            let error = "only TCP and TLS connections have a bound on replies";
            Err(RedisError::from((ErrorKind::InvalidClientConfig, error)))
        }
    }
}

/// Connects to the first address of the host that accepts a connection.
async fn dial_tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    for address in addresses {
        // An address that does not respond leaves time for the others.
        let connected = timeout(ADDRESS_TIMEOUT, TcpStream::connect(address)).await;
        match connected.map_err(io::Error::from).and_then(|stream| stream) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// A stream that fails if more bytes are read than the limit since the last write.
struct Bounded<S> {
    inner: S,
    bound: Bound,
    /// The number of bytes read since the last write.
    read: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.read += buffer.filled().len() - before;
        if self.read > self.bound.max_bytes {
            self.bound.exceeded.store(true, Ordering::Relaxed);
            return Poll::Ready(Err(io::Error::other("the reply is too large")));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.read = 0;
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_reply_beyond_the_bound_ends_the_connection_and_the_next_command_counts_anew() {
        let bound = Bound::new(8);
        let (inner, mut server) = duplex(64);
        let mut stream = Bounded {
            inner,
            bound: bound.clone(),
            read: 0,
        };
        for _ in 0..3 {
            stream.write_all(b"GET").await.unwrap();
            server.write_all(b"12345678").await.unwrap();
            stream.read_exact(&mut [0; 8]).await.unwrap();
        }
        server.write_all(b"9").await.unwrap();
        let refused = stream.read_u8().await.unwrap_err();
        let explained = bound.explain(refused.into());
        assert_eq!(explained.code(), Some(REPLY_TOO_LARGE));
        let other = RedisError::from(io::Error::other("reset"));
        assert_ne!(bound.explain(other).code(), Some(REPLY_TOO_LARGE));
    }
}
