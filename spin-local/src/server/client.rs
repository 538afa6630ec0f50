//! The state of the client at the other end of a connection, and the bound on the number of
//! connections.

#![allow(
    clippy::disallowed_methods,
    reason = "clients are waited for in real time"
)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::patience::{COURTESY, LOOK_INTERVAL, Patience, TICK};

/// One connection's client.
///
/// It is *idle* while no request of it is in flight, and *awaited* while nothing goes on before
/// it sends or reads: the head of a request, more of a body, what was written to it.
pub(super) struct Client {
    /// The moment that times are counted from.
    opened: Instant,
    /// Requests whose response has not been handed over whole.
    requests: AtomicUsize,
    /// Milliseconds at which it became idle last.
    idle_since: AtomicU64,
    /// Milliseconds at which the wait for a head or for room to write began, plus one; 0 while
    /// there is no such wait.
    awaited_since: AtomicU64,
    /// Milliseconds at which the wait for more of a body began, plus one; 0 while there is none.
    body_awaited_since: AtomicU64,
    /// Milliseconds at which a guest looked for more of a body last. One that has gone on to
    /// something else does not wait.
    body_sought_at: AtomicU64,
    /// The read that waits while a request is in flight. The bound on it begins with the end of
    /// the request, which may come later than the last byte that wakes the connection.
    reader: Mutex<Option<Waker>>,
    is_closed: AtomicBool,
    closing: Notify,
}

impl Client {
    fn new() -> Self {
        Self {
            opened: Instant::now(),
            requests: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            awaited_since: AtomicU64::new(1),
            body_awaited_since: AtomicU64::new(0),
            body_sought_at: AtomicU64::new(0),
            reader: Mutex::new(None),
            is_closed: AtomicBool::new(false),
            closing: Notify::new(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }

    /// Notes that nothing goes on before it has sent a head, or read what was written.
    pub(super) fn await_it(&self) {
        begin(&self.awaited_since, self.now() + 1);
    }

    /// Ends the wait that [`Client::await_it`] began.
    pub(super) fn has_moved(&self) {
        self.awaited_since.store(0, Ordering::Relaxed);
    }

    /// Notes that a guest does not go on before more of a body comes.
    pub(super) fn await_body(&self) {
        let now = self.now();
        begin(&self.body_awaited_since, now + 1);
        self.body_sought_at.store(now, Ordering::Relaxed);
    }

    /// Ends the wait that [`Client::await_body`] began.
    pub(super) fn has_sent(&self) {
        self.body_awaited_since.store(0, Ordering::Relaxed);
    }

    /// The moment it became idle, where it is.
    fn idle_since(&self) -> Option<Instant> {
        let since = self.idle_since.load(Ordering::Relaxed);
        (self.requests.load(Ordering::Relaxed) == 0)
            .then(|| self.opened + Duration::from_millis(since))
    }

    /// Completes once it is idle, with the moment at which it became so.
    pub(super) fn poll_idle(&self, context: &mut Context<'_>) -> Poll<Instant> {
        // Kept before the look at the requests, so that an end in between is not missed.
        let waker = context.waker();
        let mut reader = lock(&self.reader);
        if !reader.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *reader = Some(waker.clone());
        }
        drop(reader);
        self.idle_since().map_or(Poll::Pending, Poll::Ready)
    }

    fn end_request(&self) {
        self.idle_since.store(self.now(), Ordering::Relaxed);
        if self.requests.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.await_it();
            let reader = lock(&self.reader).take();
            reader.into_iter().for_each(Waker::wake);
        }
    }

    /// The moment since which it has been awaited, where it is.
    fn awaited_since(&self) -> Option<Instant> {
        let moment = |millis: u64| self.opened + Duration::from_millis(millis);
        let begun = |wait: &AtomicU64| wait.load(Ordering::Relaxed).checked_sub(1).map(moment);
        let sought_at = moment(self.body_sought_at.load(Ordering::Relaxed));
        let is_sought = sought_at.elapsed() <= LOOK_INTERVAL;
        let body = begun(&self.body_awaited_since).filter(|_| is_sought);
        [begun(&self.awaited_since), body]
            .into_iter()
            .flatten()
            .min()
    }

    /// Returns `true` where it has been awaited for more than a second.
    fn is_slow(&self) -> bool {
        let since = self.awaited_since();
        since.is_some_and(|since| since.elapsed() >= COURTESY)
    }

    /// The moment since which it has been awaited, where closing its connection takes nothing
    /// from a client that goes on: one that is idle, or awaited for more than a second.
    fn dispensable_since(&self) -> Option<Instant> {
        let since = self.awaited_since()?;
        (self.is_slow() || self.idle_since().is_some()).then_some(since)
    }

    /// Ends its connection.
    fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.closing.notify_one();
    }

    /// Returns `true` once its connection has been ended from this side.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Completes when its connection is to end.
    pub(super) async fn closed(&self) {
        self.closing.notified().await;
    }
}

/// Notes the beginning of a wait, unless one is under way.
fn begin(wait: &AtomicU64, since: u64) {
    let _ = wait.compare_exchange(0, since, Ordering::Relaxed, Ordering::Relaxed);
}

/// A request in flight, until its response has been handed over whole.
pub(super) struct Exchange {
    pub(super) client: Arc<Client>,
    /// Runs out while the response's next bytes wait for the client to read those before.
    pub(super) reading: Mutex<Patience>,
}

impl Exchange {
    pub(super) fn begin(client: Arc<Client>, allowance: Duration) -> Self {
        client.requests.fetch_add(1, Ordering::Relaxed);
        client.has_moved();
        Self {
            client,
            reading: Mutex::new(Patience::new(allowance)),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.client.end_request();
    }
}

/// Takes a lock whose data is as usable after a panic elsewhere as before.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The open connections, no more than a fixed number of them.
pub(super) struct Clients {
    most: usize,
    open: Mutex<Open>,
    one_left: Notify,
}

#[derive(Default)]
struct Open {
    clients: HashMap<u64, Arc<Client>>,
    next: u64,
}

/// A connection's place among the open ones, given back when it is dropped.
pub(super) struct Admission {
    pub(super) client: Arc<Client>,
    id: u64,
    clients: Arc<Clients>,
}

impl Drop for Admission {
    fn drop(&mut self) {
        lock(&self.clients.open).clients.remove(&self.id);
        self.clients.one_left.notify_one();
    }
}

impl Clients {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            open: Mutex::default(),
            one_left: Notify::new(),
        }
    }

    /// Admits one more. Where there are as many as there may be, it takes the place of the one
    /// that has been awaited for the longest; while none is, it waits.
    pub(super) async fn admit(self: &Arc<Self>) -> Admission {
        loop {
            if let Some(admission) = self.try_admit() {
                return admission;
            }
            self.close_longest_awaited();
            // A client that is awaited now is dispensable a second later.
            let _ = tokio::time::timeout(TICK, self.one_left.notified()).await;
        }
    }

    fn try_admit(self: &Arc<Self>) -> Option<Admission> {
        let mut open = lock(&self.open);
        if open.clients.len() >= self.most {
            return None;
        }
        let client = Arc::new(Client::new());
        let id = open.next;
        open.next += 1;
        open.clients.insert(id, client.clone());
        Some(Admission {
            client,
            id,
            clients: self.clone(),
        })
    }

    /// Ends one connection, unless one that was ended before has yet to give back its place.
    fn close_longest_awaited(&self) {
        let open = lock(&self.open);
        if open.clients.values().any(|client| client.is_closed()) {
            return;
        }
        let dispensable = open.clients.values();
        let longest = dispensable
            .filter_map(|client| Some((client.dispensable_since()?, client)))
            .min_by_key(|(since, _)| *since);
        if let Some((_, client)) = longest {
            client.close();
        }
    }

    /// Ends the connections of all clients that have been awaited for more than a second.
    pub(super) fn close_awaited(&self) {
        let open = lock(&self.open);
        let slow = open.clients.values().filter(|client| client.is_slow());
        slow.for_each(|client| client.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_longest_awaited_makes_room_for_the_next() {
        let clients = Arc::new(Clients::new(2));
        let first = clients.admit().await;
        let busy = clients.admit().await;
        let _request = Exchange::begin(busy.client.clone(), Duration::from_secs(30));
        let client = first.client.clone();
        let connection = async move {
            first.client.closed().await;
            drop(first);
        };
        let (_, third) = tokio::join!(connection, clients.admit());
        assert!(client.is_closed());
        assert!(!busy.client.is_closed() && !third.client.is_closed());
    }

    #[tokio::test]
    async fn of_clients_that_came_at_once_the_first_makes_room() {
        let clients = Arc::new(Clients::new(64));
        let mut open = Vec::new();
        for _ in 0..64 {
            open.push(clients.admit().await);
        }
        let early = tokio::time::timeout(Duration::ZERO, clients.admit()).await;
        assert!(early.is_err());
        let closed = open.iter().map(|it| it.client.is_closed());
        let closed: Vec<usize> = closed
            .enumerate()
            .filter_map(|(number, is_closed)| is_closed.then_some(number))
            .collect();
        assert_eq!(closed, [0]);
    }

    #[tokio::test]
    async fn one_newcomer_takes_one_place() {
        let clients = Arc::new(Clients::new(2));
        drop(clients.admit().await);
        let first = clients.admit().await;
        let second = clients.admit().await;
        let early = tokio::time::timeout(Duration::ZERO, clients.admit()).await;
        assert!(early.is_err() && first.client.is_closed());
        assert!(!second.client.is_closed());
    }

    #[tokio::test]
    async fn a_read_that_waits_during_a_request_is_bounded_from_its_end() {
        let clients = Arc::new(Clients::new(1));
        let open = clients.admit().await;
        let request = Exchange::begin(open.client.clone(), Duration::from_secs(30));
        let mut request = Some(request);
        let idle = std::future::poll_fn(|context| {
            let idle = open.client.poll_idle(context);
            // The request ends after the read has begun to wait, and nothing else wakes it.
            drop(request.take());
            idle
        });
        let idle = tokio::time::timeout(Duration::from_secs(60), idle).await;
        assert!(idle.is_ok(), "the read was not woken");
    }

    #[tokio::test]
    async fn where_all_are_busy_the_next_waits_for_one_to_leave() {
        let clients = Arc::new(Clients::new(1));
        let busy = clients.admit().await;
        let request = Exchange::begin(busy.client.clone(), Duration::from_secs(30));
        let mut next = std::pin::pin!(clients.admit());
        let early = tokio::time::timeout(Duration::ZERO, &mut next).await;
        assert!(early.is_err() && !busy.client.is_closed());
        drop((request, busy));
        next.await;
    }
}
