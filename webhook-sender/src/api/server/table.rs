//! The open connections, and the choice of the one to close for a new one.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Peer;

/// A table of at most `limit` open connections.
pub struct Table {
    limit: usize,
    began: Instant,
    /// Never locked across an await.
    open: Mutex<Open>,
    /// Notified when a connection has closed; `enter` waits for it.
    closed: Notify,
}

#[derive(Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Known>,
}

struct Known {
    peer: Peer,
    turn: Arc<Turn>,
    close: CancellationToken,
}

/// The entry of a connection in the table. Dropping it removes it.
pub struct Entry {
    table: Arc<Table>,
    number: u64,
    pub turn: Arc<Turn>,
    /// Cancelled when the connection must make room.
    pub close: CancellationToken,
}

/// The side that must act next on a connection: the client, which keeps the server waiting, or the
/// server.
pub struct Turn {
    began: Instant,
    /// Milliseconds from `began` to the start of the client's turn, plus one; 0 in the server's turn.
    since: AtomicU64,
    /// The number of requests so far.
    requests: AtomicU64,
}

impl Turn {
    fn new(began: Instant) -> Self {
        let turn = Self {
            began,
            since: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        };
        turn.to_client();
        turn
    }

    /// Starts the client's turn: to send a request, or to read a response.
    pub fn to_client(&self) {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since.store(since.saturating_add(1), Ordering::Relaxed);
    }

    /// Starts the server's turn: it has received the request.
    pub fn to_server(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// Counts a request.
    pub fn count(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    fn waiting_since(&self) -> Option<u64> {
        let since = self.since.load(Ordering::Relaxed);
        (since > 0).then_some(since)
    }
}

impl Table {
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            began: Instant::now(),
            open: Mutex::default(),
            closed: Notify::new(),
        }
    }

    /// Adds a connection. If the table is full, closes one that waits for its client; if none does, waits
    /// until one closes.
    pub async fn enter(self: &Arc<Self>, peer: Peer) -> Entry {
        loop {
            let closed = self.closed.notified();
            if let Some(entry) = self.try_enter(peer) {
                return entry;
            }
            closed.await;
        }
    }

    fn try_enter(self: &Arc<Self>, peer: Peer) -> Option<Entry> {
        let mut open = self.open();
        if open.connections.len() >= self.limit {
            let victim = open.victim()?;
            let victim = open.connections.remove(&victim)?;
            victim.close.cancel();
        }
        let (turn, close) = (Arc::new(Turn::new(self.began)), CancellationToken::new());
        let number = open.next;
        open.next += 1;
        let known = Known {
            peer,
            turn: turn.clone(),
            close: close.clone(),
        };
        open.connections.insert(number, known);
        Some(Entry {
            table: self.clone(),
            number,
            turn,
            close,
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Returns the connection that has kept the server waiting longest, of the client address with the
    /// most connections.
    fn victim(&self) -> Option<u64> {
        let mut counts = HashMap::<Peer, usize>::new();
        for known in self.connections.values() {
            *counts.entry(known.peer).or_default() += 1;
        }
        let waiting = self.connections.iter().filter_map(|(number, known)| {
            let since = known.turn.waiting_since()?;
            let count = counts.get(&known.peer).copied().unwrap_or_default();
            Some((count, Reverse((since, *number))))
        });
        waiting.max().map(|(_, Reverse((_, number)))| number)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.table.open().connections.remove(&self.number);
        self.table.closed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(last: u8) -> Peer {
        Peer::of([192, 0, 2, last].into())
    }

    #[tokio::test]
    async fn the_client_with_the_most_connections_makes_room() {
        let table = Arc::new(Table::new(3));
        let quiet = table.enter(peer(1)).await;
        let oldest = table.enter(peer(2)).await;
        let newest = table.enter(peer(2)).await;
        let _fourth = table.enter(peer(3)).await;
        assert!(oldest.close.is_cancelled());
        assert!(!newest.close.is_cancelled() && !quiet.close.is_cancelled());
    }

    #[tokio::test]
    async fn a_request_that_the_server_works_on_is_not_closed_to_make_room() {
        let table = Arc::new(Table::new(1));
        let entry = table.enter(peer(1)).await;
        entry.turn.to_server();
        assert!(table.try_enter(peer(2)).is_none());
        assert!(!entry.close.is_cancelled());
        let second = tokio::spawn({
            let table = table.clone();
            async move { table.enter(peer(2)).await }
        });
        drop(entry);
        second.await.unwrap();
    }
}
