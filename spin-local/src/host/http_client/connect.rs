//! Connections for outbound requests: resolves the host, skips blocked addresses, connects, and
//! adds TLS for `https`.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tower_service::Service;
use wasmtime_wasi_http::Error;

use crate::runtime_config::BlockedNetworks;

tokio::task_local! {
    /// The connect settings of the current request. The client has no other way to pass settings
    /// of a request to its connector. A pooled connection needs none of them.
    pub(super) static CONNECT: Connect;
}

/// The connect settings of a request.
#[derive(Clone)]
pub(super) struct Connect {
    pub(super) timeout: Duration,
    pub(super) blocked: BlockedNetworks,
}

/// The error of a connection, by the step that failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the URL has no host to connect to")]
    Uri,
    #[error("the host name has no address")]
    Resolve,
    #[error("every address of the host is blocked")]
    Blocked,
    #[error("connection timed out")]
    Timeout,
    #[error("connection refused")]
    Refused,
    #[error("TLS handshake failed")]
    Tls,
}

impl ConnectError {
    /// Returns the error code that Spin reports to the guest.
    pub(super) fn code(self) -> Error {
        match self {
            Self::Uri => Error::HttpRequestUriInvalid,
            Self::Resolve => Error::DnsError {
                rcode: Some("address not available".to_owned()),
                info_code: Some(0),
            },
            Self::Blocked => Error::DestinationIpProhibited,
            Self::Timeout => Error::ConnectionTimeout,
            Self::Refused => Error::ConnectionRefused,
            Self::Tls => Error::TlsProtocolError,
        }
    }
}

/// Opens the connections of the client.
#[derive(Clone)]
pub(super) struct Connector {
    tls: TlsConnector,
}

impl Connector {
    /// Returns a connector whose TLS trusts the roots of Mozilla, as in Spin.
    pub(super) fn new() -> Self {
        let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self {
            tls: TlsConnector::from(Arc::new(config)),
        }
    }

    async fn connect(self, uri: Uri) -> Result<Stream, ConnectError> {
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        let host = uri.host().ok_or(ConnectError::Uri)?;
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let tcp = tcp(host, port).await?;
        if !tls {
            return Ok(Stream::new(tcp, false));
        }
        let name = ServerName::try_from(unbracketed(host).to_owned())
            .map_err(|_| ConnectError::Resolve)?;
        let stream = self.tls.connect(name, tcp).await;
        let stream = stream.map_err(|_| ConnectError::Tls)?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Stream::new(stream, http2))
    }
}

async fn tcp(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let settings = CONNECT.get();
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((unbracketed(host), port))
        .await
        .map_err(|_| ConnectError::Resolve)?
        .collect();
    let open: Vec<SocketAddr> = addresses
        .iter()
        .copied()
        .filter(|address| !settings.blocked.blocks(address.ip()))
        .collect();
    if open.is_empty() && !addresses.is_empty() {
        return Err(ConnectError::Blocked);
    }
    let stream = tokio::time::timeout(settings.timeout, TcpStream::connect(&*open))
        .await
        .map_err(|_| ConnectError::Timeout)?
        .map_err(|_| ConnectError::Refused)?;
    // Webhooks are small: Nagle's algorithm would only delay them.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

fn unbracketed(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    inner.unwrap_or(host)
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection with or without TLS.
pub(super) struct Stream {
    io: TokioIo<Box<dyn Io>>,
    http2: bool,
}

impl Stream {
    fn new(io: impl Io + 'static, http2: bool) -> Self {
        Self {
            io: TokioIo::new(Box::new(io)),
            http2,
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        if self.http2 {
            return connected.negotiated_h2();
        }
        connected
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
