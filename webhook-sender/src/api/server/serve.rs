//! Accepts connections, and serves each in its own task.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Connection;
use super::limits::Limits;
use super::peer::Peer;
use super::table::Table;

/// The pause after a failed accept, usually because file descriptors are exhausted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` on `listener` until `stop`. Returns at most [`Limits::drain`] after that.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let (tasks, table) = (TaskTracker::new(), Arc::new(Table::new(limits.connections)));
    while let Some((stream, peer)) = stop.run_until_cancelled(accept(&listener)).await {
        let Some(entry) = stop.run_until_cancelled(table.enter(peer)).await else {
            break;
        };
        let connection = Connection {
            router: router.clone(),
            peer,
            entry,
            limits,
            stop: stop.clone(),
        };
        tasks.spawn(connection.run(stream));
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

async fn accept(listener: &TcpListener) -> (TcpStream, Peer) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return (stream, Peer::of(address.ip())),
            Err(error) => {
                tracing::warn!(%error, "api connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
