//! The transport of connections: TCP, with TLS by the rules of the other connections of this process, and
//! with a limit on the bodies of messages.
//!
//! The client library's own TLS has other rules for the certificates that it trusts.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::Task;
use async_rs::{Runtime, TokioRuntime};
use futures::Stream;
use futures::io::{AsyncRead as FuturesRead, AsyncWrite as FuturesWrite};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::body_limit::LimitedBodies;
use super::settings::Address;
use crate::SourceError;

/// The current runtime, whose connections are encrypted if the address requires that.
#[derive(Clone)]
pub(super) struct Transport {
    runtime: TokioRuntime,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// The most bytes of a message's body that are read.
    max_body: usize,
}

pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl Transport {
    /// Prepares the connections to an address. Of the body of a message, no more than `max_body` bytes are
    /// read.
    pub(super) fn to(address: &Address, max_body: usize) -> Result<Runtime<Self>, SourceError> {
        let tls = if address.is_tls() {
            let config = tls_trust::client_config(&[]).map_err(SourceError::new)?;
            let name = ServerName::try_from(address.host().to_owned());
            let name = name.map_err(|_| {
                SourceError::new(format!("`{}` is no name for TLS", address.host()))
            })?;
            Some((TlsConnector::from(Arc::new(config)), name))
        } else {
            None
        };
        Ok(Runtime::new(Self {
            runtime: TokioRuntime::tokio_current(),
            tls,
            max_body,
        }))
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

impl RuntimeKit for Transport {}

impl Executor for Transport {
    type Task<T: Send + 'static> = <TokioRuntime as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, future: F) -> T {
        self.runtime.block_on(future)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        future: F,
    ) -> Task<Self::Task<T>> {
        self.runtime.spawn(future)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        work: F,
    ) -> Task<Self::Task<T>> {
        self.runtime.spawn_blocking(work)
    }
}

impl Reactor for Transport {
    type TcpStream = Compat<LimitedBodies<Box<dyn Duplex>>>;
    type Sleep = <TokioRuntime as Reactor>::Sleep;

    /// Refuses sockets of others: the client library opens its connections by `tcp_connect_addr`.
    fn register<H: io::Read + io::Write + Send + 'static>(
        &self,
        _socket: H,
    ) -> io::Result<impl FuturesRead + FuturesWrite + Send + Unpin + 'static> {
        Err::<Self::TcpStream, _>(io::ErrorKind::Unsupported.into())
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.runtime.sleep(duration)
    }

    fn interval(&self, duration: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.runtime.interval(duration)
    }

    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        let (tls, max_body) = (self.tls.clone(), self.max_body);
        async move {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            let stream: Box<dyn Duplex> = match tls {
                None => Box::new(tcp),
                Some((connector, name)) => {
                    let connected = connector.connect(name, tcp).await;
                    Box::new(connected.map_err(|error| match tls_trust::find(&error) {
                        Some(text) => io::Error::other(text),
                        None => error,
                    })?)
                }
            };
            Ok(LimitedBodies::new(stream, max_body).compat())
        }
    }
}
