//! The limit on the number of open connections.

#![allow(
    clippy::disallowed_methods,
    reason = "clients are waited for in real time"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::client::{Client, lock};
use crate::stall_timer::CHECK_INTERVAL;

/// The open connections, up to a maximum number.
pub(super) struct Connections {
    max: usize,
    open: Mutex<Open>,
    one_closed: Notify,
}

#[derive(Default)]
struct Open {
    clients: HashMap<u64, Arc<Client>>,
    next: u64,
}

/// A slot for the connection of a client, released when it is dropped.
pub(super) struct ClientSlot {
    pub(super) client: Arc<Client>,
    id: u64,
    connections: Arc<Connections>,
}

impl Drop for ClientSlot {
    fn drop(&mut self) {
        lock(&self.connections.open).clients.remove(&self.id);
        self.connections.one_closed.notify_one();
    }
}

impl Connections {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            open: Mutex::default(),
            one_closed: Notify::new(),
        }
    }

    /// Admits a connection. At the maximum number, it closes the connection whose client has been
    /// awaited longest, or waits until there is one.
    pub(super) async fn admit(self: &Arc<Self>) -> ClientSlot {
        loop {
            if let Some(slot) = self.try_admit() {
                return slot;
            }
            self.close_longest_awaited();
            // A client that is awaited now can be evicted a second later.
            let _ = tokio::time::timeout(CHECK_INTERVAL, self.one_closed.notified()).await;
        }
    }

    fn try_admit(self: &Arc<Self>) -> Option<ClientSlot> {
        let mut open = lock(&self.open);
        if open.clients.len() >= self.max {
            return None;
        }
        let client = Arc::new(Client::new());
        let id = open.next;
        open.next += 1;
        open.clients.insert(id, client.clone());
        Some(ClientSlot {
            client,
            id,
            connections: self.clone(),
        })
    }

    /// Closes one connection, unless the slot of one that was closed before is not yet released.
    fn close_longest_awaited(&self) {
        let open = lock(&self.open);
        if open.clients.values().any(|client| client.is_closed()) {
            return;
        }
        let evictable = open.clients.values();
        let longest = evictable
            .filter_map(|client| Some((client.evictable_since()?, client)))
            .min_by_key(|(since, _)| *since);
        if let Some((_, client)) = longest {
            client.close();
        }
    }

    /// Closes the connections of all slow clients.
    pub(super) fn close_slow(&self) {
        let open = lock(&self.open);
        let slow = open.clients.values().filter(|client| client.is_slow());
        slow.for_each(|client| client.close());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::server::exchange::Exchange;

    #[tokio::test]
    async fn a_new_connection_replaces_the_one_awaited_longest() {
        let connections = Arc::new(Connections::new(2));
        let first = connections.admit().await;
        let busy = connections.admit().await;
        let _request = Exchange::begin(busy.client.clone(), Duration::from_secs(30));
        let client = first.client.clone();
        let connection = async move {
            first.client.closed().await;
            drop(first);
        };
        let (_, third) = tokio::join!(connection, connections.admit());
        assert!(client.is_closed());
        assert!(!busy.client.is_closed() && !third.client.is_closed());
    }

    #[tokio::test]
    async fn of_connections_opened_together_the_first_is_replaced() {
        let connections = Arc::new(Connections::new(64));
        let mut open = Vec::new();
        for _ in 0..64 {
            open.push(connections.admit().await);
        }
        let early = tokio::time::timeout(Duration::ZERO, connections.admit()).await;
        assert!(early.is_err());
        let closed = open.iter().map(|it| it.client.is_closed());
        let closed: Vec<usize> = closed
            .enumerate()
            .filter_map(|(number, is_closed)| is_closed.then_some(number))
            .collect();
        assert_eq!(closed, [0]);
    }

    #[tokio::test]
    async fn a_new_connection_replaces_only_one() {
        let connections = Arc::new(Connections::new(2));
        drop(connections.admit().await);
        let first = connections.admit().await;
        let second = connections.admit().await;
        let early = tokio::time::timeout(Duration::ZERO, connections.admit()).await;
        assert!(early.is_err() && first.client.is_closed());
        assert!(!second.client.is_closed());
    }

    #[tokio::test]
    async fn the_time_limit_of_a_read_starts_at_the_end_of_the_request() {
        let connections = Arc::new(Connections::new(1));
        let open = connections.admit().await;
        let request = Exchange::begin(open.client.clone(), Duration::from_secs(30));
        let mut request = Some(request);
        let idle = std::future::poll_fn(|context| {
            let idle = open.client.poll_idle(context);
            // The request ends after the read has started to wait, and nothing else wakes the read.
            drop(request.take());
            idle
        });
        let idle = tokio::time::timeout(Duration::from_secs(60), idle).await;
        assert!(idle.is_ok(), "the read was not woken");
    }

    #[tokio::test]
    async fn a_new_connection_waits_while_all_connections_are_busy() {
        let connections = Arc::new(Connections::new(1));
        let busy = connections.admit().await;
        let request = Exchange::begin(busy.client.clone(), Duration::from_secs(30));
        let mut next = std::pin::pin!(connections.admit());
        let early = tokio::time::timeout(Duration::ZERO, &mut next).await;
        assert!(early.is_err() && !busy.client.is_closed());
        drop((request, busy));
        next.await;
    }
}
