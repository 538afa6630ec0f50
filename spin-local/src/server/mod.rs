//! The HTTP server: connections in, requests to the component their route names, and an end
//! that finishes what is in flight.
//!
//! Nothing here waits for a client without a bound: [`stream`] bounds the wait for a request and
//! for room to write, [`body`] that of a guest for either body, and [`client`] the number of
//! connections.

mod body;
mod client;
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
use crate::patience::TICK;
use crate::terminal;
use client::{Admission, Clients, Exchange};
use stream::Stream;

/// How long the end waits for requests in flight.
const GRACE: Duration = Duration::from_secs(30);

/// A pause after an accept that failed for want of files, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves requests on `listener` with the app until `shutdown` completes; then takes no more
/// connections and returns once what is in flight has finished, or after thirty seconds.
pub async fn serve(listener: TcpListener, host: Host, shutdown: impl Future<Output = ()>) {
    let server = Server::new(host);
    tokio::select! {
        () = server.accept(&listener) => {}
        () = shutdown => {}
    }
    drop(listener);
    server.finish().await;
}

struct Server {
    host: Host,
    http: auto::Builder<TokioExecutor>,
    connections: GracefulShutdown,
    clients: Arc<Clients>,
}

impl Server {
    fn new(host: Host) -> Self {
        let mut http = auto::Builder::new(TokioExecutor::new());
        // The stream bounds the wait for a head, and does so before the version is known.
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None);
        let clients = Arc::new(Clients::new(host.limits().connections));
        Self {
            host,
            http,
            connections: GracefulShutdown::new(),
            clients,
        }
    }

    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    let admission = self.clients.admit().await;
                    self.connect(stream, address, admission);
                }
                Err(error) => {
                    terminal::line(format_args!("a connection could not be accepted: {error}"));
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn connect(&self, stream: TcpStream, address: SocketAddr, admission: Admission) {
        let _ = stream.set_nodelay(true);
        let timeout = self.host.limits().client_timeout;
        let (host, client) = (self.host.clone(), admission.client.clone());
        let service = service_fn(move |request| {
            let exchange = Arc::new(Exchange::begin(client.clone(), timeout));
            let host = host.clone();
            async move {
                let response = respond::respond(&host, request, address, exchange).await;
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let stream = Stream::new(stream, admission.client.clone(), timeout);
        let connection = self.http.serve_connection(stream, service).into_owned();
        let connection = self.connections.watch(connection);
        // A connection ends in an error whenever its client goes away or is too slow, or a guest
        // traps after its headers were sent; the latter was reported where it happened.
        tokio::spawn(async move {
            tokio::select! {
                _ = connection => {}
                () = admission.client.closed() => {}
            }
        });
    }

    /// Lets finish what is in flight, for as long as it does not only wait for its client.
    async fn finish(self) {
        let Self {
            host,
            connections,
            clients,
            ..
        } = self;
        let finished = async {
            connections.shutdown().await;
            host.finished().await;
        };
        let awaited = async {
            loop {
                tokio::time::sleep(TICK).await;
                clients.close_awaited();
            }
        };
        let end = async {
            tokio::select! {
                () = finished => {}
                () = awaited => {}
            }
        };
        if tokio::time::timeout(GRACE, end).await.is_err() {
            let seconds = GRACE.as_secs();
            terminal::line(format_args!(
                "stopped with requests unfinished after {seconds} s"
            ));
        }
    }
}
