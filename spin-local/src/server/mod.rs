//! The HTTP server: connections in, requests to the component their route names, and an end
//! that finishes what is in flight.

mod respond;

use std::net::SocketAddr;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};

use crate::host::Host;

/// How long the end waits for requests in flight.
const GRACE: Duration = Duration::from_secs(30);

/// A pause after an accept that failed for want of files, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers requests on `listener` with the app until `shutdown` completes; then takes no more
/// connections and returns once what is in flight has finished, or after thirty seconds.
pub async fn serve(listener: TcpListener, host: Host, shutdown: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new());
    tokio::select! {
        () = accept(&listener, &host, &server, &connections) => {}
        () = shutdown => {}
    }
    drop(listener);
    let finished = async {
        connections.shutdown().await;
        host.finished().await;
    };
    if tokio::time::timeout(GRACE, finished).await.is_err() {
        eprintln!(
            "stopped with requests unfinished after {} s",
            GRACE.as_secs()
        );
    }
}

async fn accept(
    listener: &TcpListener,
    host: &Host,
    server: &auto::Builder<TokioExecutor>,
    connections: &GracefulShutdown,
) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => connect(stream, client, host, server, connections),
            Err(error) => {
                eprintln!("a connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn connect(
    stream: TcpStream,
    client: SocketAddr,
    host: &Host,
    server: &auto::Builder<TokioExecutor>,
    connections: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let host = host.clone();
    let service = service_fn(move |request| {
        let host = host.clone();
        async move { Ok::<_, std::convert::Infallible>(respond::respond(&host, request, client).await) }
    });
    let connection = server
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    let connection = connections.watch(connection);
    // A connection ends in an error whenever its client goes away or a guest traps after its
    // headers were sent; the latter has been told where it happened.
    tokio::spawn(async move { connection.await.ok() });
}
