//! Serves a connection.

use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::body::PacedBody;
use super::pace::Pace;
use super::stream::PacedStream;
use super::table::{Entry, Turn};
use super::{Limits, Peer};

/// The most bytes of a request's head, and of what is read ahead of its body.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// A connection that is about to be served.
pub struct Connection {
    pub router: Router,
    pub peer: Peer,
    pub entry: Entry,
    pub limits: Limits,
    pub stop: CancellationToken,
}

impl Connection {
    /// Serves requests until the client disconnects, exceeds a deadline, or makes room for another one.
    pub async fn run(self, stream: TcpStream) {
        let Self {
            router,
            peer,
            entry,
            limits,
            stop,
        } = self;
        let turn = entry.turn.clone();
        // A failure means that the connection is broken, which the next read reports.
        let _ = stream.set_nodelay(true);
        let service = service_fn({
            let turn = turn.clone();
            move |request| respond(router.clone(), peer, limits, turn.clone(), request)
        });
        let stream = TokioIo::new(PacedStream::new(stream, limits, turn));
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.client_timeout)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(stream, service);
        let mut serving = pin!(serving);
        // Errors of a connection are ignored: clients disconnect at any time.
        tokio::select! {
            _ = serving.as_mut() => return,
            () = entry.close.cancelled() => return,
            () = stop.cancelled() => serving.as_mut().graceful_shutdown(),
        }
        let _ = tokio::time::timeout(limits.drain, serving).await;
    }
}

async fn respond(
    mut router: Router,
    peer: Peer,
    limits: Limits,
    turn: Arc<Turn>,
    mut request: Request<Incoming>,
) -> Result<Response, std::convert::Infallible> {
    turn.count();
    request.extensions_mut().insert(peer);
    let request = request.map(|body| PacedBody::new(body, Pace::new(&limits), turn.clone()));
    let response = router.call(request).await;
    turn.to_client();
    response
}
