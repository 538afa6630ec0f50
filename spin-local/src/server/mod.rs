//! The HTTP server: accepts connections, routes requests to components, and shuts down gracefully.
//!
//! Every wait for a client has a limit: [`stream`] limits the wait for a request head and for room to
//! write, [`body`] the wait of a guest for either body, and [`connections`] the number of
//! connections.

mod body;
mod client;
mod connections;
mod exchange;
mod respond;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};

use crate::host::Host;
use crate::stall_timer::CHECK_INTERVAL;
use crate::terminal;
use connections::{ClientSlot, Connections};
use exchange::Exchange;
use stream::Stream;

/// The longest wait for requests in flight at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause after a failed accept, so that the loop does not spin when no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves requests on `listener` until `shutdown` completes. Then it closes the listener, and returns
/// once the requests in flight have finished, or after thirty seconds.
pub async fn serve(listener: TcpListener, host: Host, shutdown: impl Future<Output = ()>) {
    let server = Server::new(host);
    tokio::select! {
        () = server.accept(&listener) => {}
        () = shutdown => {}
    }
    drop(listener);
    server.shut_down().await;
}

struct Server {
    host: Host,
    http: auto::Builder<TokioExecutor>,
    graceful: GracefulShutdown,
    connections: Arc<Connections>,
}

impl Server {
    fn new(host: Host) -> Self {
        let mut http = auto::Builder::new(TokioExecutor::new());
        // The stream limits the wait for a head, even before the HTTP version is known.
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None);
        let connections = Arc::new(Connections::new(host.limits().connections));
        Self {
            host,
            http,
            graceful: GracefulShutdown::new(),
            connections,
        }
    }

    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    let slot = self.connections.admit().await;
                    self.connect(stream, address, slot);
                }
                Err(error) => {
                    terminal::line(format_args!("cannot accept a connection: {error}"));
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn connect(&self, stream: TcpStream, address: SocketAddr, slot: ClientSlot) {
        let _ = stream.set_nodelay(true);
        let timeout = self.host.limits().client_timeout;
        let (host, client) = (self.host.clone(), slot.client.clone());
        let service = service_fn(move |request| {
            let exchange = Arc::new(Exchange::begin(client.clone(), timeout));
            let host = host.clone();
            async move {
                let response = respond::respond(&host, request, address, exchange).await;
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let stream = Stream::new(stream, slot.client.clone(), timeout);
        let connection = self.http.serve_connection(stream, service).into_owned();
        let connection = self.graceful.watch(connection);
        // A connection fails if its client disconnects or is too slow, or if a guest traps after its
        // headers were sent, which is already reported.
        tokio::spawn(async move {
            tokio::select! {
                _ = connection => {}
                () = slot.client.closed() => {}
            }
        });
    }

    /// Waits for the requests in flight, except those that wait for a slow client.
    async fn shut_down(self) {
        let Self {
            host,
            graceful,
            connections,
            ..
        } = self;
        let finished = async {
            graceful.shutdown().await;
            host.wait_until_idle().await;
        };
        let closing_slow = async {
            loop {
                tokio::time::sleep(CHECK_INTERVAL).await;
                connections.close_slow();
            }
        };
        let end = async {
            tokio::select! {
                () = finished => {}
                () = closing_slow => {}
            }
        };
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, end).await.is_err() {
            let seconds = SHUTDOWN_TIMEOUT.as_secs();
            terminal::line(format_args!(
                "shutdown timed out after {seconds} s with requests in flight"
            ));
        }
    }
}
