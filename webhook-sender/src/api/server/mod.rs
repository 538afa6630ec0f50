//! The connections of the API.
//!
//! No client can hold anything for as long as it likes. A request's head has to be there within
//! [`Limits::patience`]; a body and a response have to move at [`Limits::bytes_per_second`] once
//! that time is spent. The number of connections is limited: where all are taken, a new one replaces
//! the one whose client has kept the server waiting longest, out of those of the client address that
//! has the most. A stop waits [`Limits::drain`] for requests under way and then closes everything.

mod body;
mod connection;
mod pace;
mod peer;
mod stream;
mod table;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use connection::Connection;
use table::Table;

pub use body::Stalled;
pub use peer::Peer;

/// The pause after an accept that failed, for want of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The most connections, where the process may open enough files.
const CONNECTIONS: usize = 512;

/// The share of the files that the process may open: deliveries, the store and the stream need
/// files as well.
const SHARE_OF_FILES: u64 = 4;

/// The limits of clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// The time that a client may keep the server waiting for a request's head, and in all for its body
    /// and for room for the response, before the pace counts.
    pub patience: Duration,
    /// The pace at which bodies and responses have to move after that.
    pub bytes_per_second: u32,
    /// The time that requests under way may take after a stop.
    pub drain: Duration,
}

impl Limits {
    /// The limits for this process, by the number of files that it may open.
    pub fn of_this_process() -> Self {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let share = files.map_or(u64::MAX, |files| files / SHARE_OF_FILES);
        let share = usize::try_from(share).unwrap_or(usize::MAX);
        Self {
            connections: CONNECTIONS.min(share).max(1),
            patience: Duration::from_secs(30),
            bytes_per_second: 16 * 1024,
            drain: Duration::from_secs(5),
        }
    }
}

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
