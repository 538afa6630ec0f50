//! A pool of connections for the next requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::http1::Connection;
use super::http2::{SharedConnection, Slot};
use super::stream::Stream;

/// The most idle connections of one origin: as many as an endpoint has permits by default.
const MAX_IDLE_PER_ORIGIN: usize = 512;

/// The most idle connections in all, unless there are fewer descriptors. Each holds one here and one
/// at the receiver. Shared connections count as long as they are kept.
pub const MAX_IDLE: usize = 2048;

/// The time that a connection is kept idle. Servers commonly close theirs after 60 or 75 seconds;
/// closing it earlier here avoids requests on a closing connection, whose attempts fail.
const MAX_IDLE_TIME: Duration = Duration::from_secs(30);

/// The time by which an idle connection is closed earlier than the receiver announces to close it.
const IDLE_MARGIN: Duration = Duration::from_secs(1);

/// The time that a connection is used at all, so that changes of the name's addresses take effect.
const MAX_AGE: Duration = Duration::from_secs(300);

/// An HTTP/1.1 connection without an exchange on it.
pub(super) struct IdleConnection {
    pub connection: Connection,
    created: Instant,
    since: Instant,
    /// The time that it may be idle.
    limit: Duration,
}

/// A connection that is ready for an exchange.
pub(super) enum PooledConnection {
    Http1(IdleConnection),
    Http2(Slot),
}

pub(super) struct Pool {
    inner: Mutex<Inner>,
    max_idle: usize,
}

#[derive(Default)]
struct Inner {
    origins: HashMap<Box<str>, Connections>,
    /// The number of idle and shared connections of all origins. A shared one counts while it is
    /// busy too: it becomes idle without a call to the pool.
    kept: usize,
}

/// The connections of one origin.
#[derive(Default)]
struct Connections {
    /// Ordered by last use. The last one is taken first, so that surplus connections expire.
    idle: Vec<IdleConnection>,
    shared: Vec<Arc<SharedConnection>>,
    /// Set if the origin chose HTTP/1.1 for its last new connection.
    speaks_http1: bool,
    /// Held while a connection is made that other requests may share.
    dialing: Arc<tokio::sync::Mutex<()>>,
}

impl IdleConnection {
    pub(super) fn new(stream: Stream) -> Self {
        let now = Instant::now();
        Self {
            connection: Connection::new(stream),
            created: now,
            since: now,
            limit: MAX_IDLE_TIME,
        }
    }

    fn is_usable(&self, now: Instant) -> bool {
        now - self.since < self.limit && now - self.created < MAX_AGE
    }
}

impl Pool {
    /// Creates a pool of at most `max_idle` idle connections.
    pub(super) fn new(max_idle: usize) -> Self {
        Self {
            inner: Mutex::default(),
            max_idle,
        }
    }

    /// Returns a connection to the origin of that key, if there is one.
    pub(super) fn take(&self, key: &str) -> Option<PooledConnection> {
        let now = Instant::now();
        loop {
            match self.take_any(key, now)? {
                PooledConnection::Http1(mut idle) => {
                    if idle.is_usable(now) && idle.connection.is_quiet() {
                        return Some(PooledConnection::Http1(idle));
                    }
                }
                shared => return Some(shared),
            }
        }
    }

    fn take_any(&self, key: &str, now: Instant) -> Option<PooledConnection> {
        let inner = &mut *self.lock();
        let connections = inner.origins.get_mut(key)?;
        inner.kept -= connections.remove_unusable(now);
        if let Some(slot) = connections.shared.iter().find_map(SharedConnection::slot) {
            return Some(PooledConnection::Http2(slot));
        }
        let idle = connections.idle.pop()?;
        inner.kept -= 1;
        Some(PooledConnection::Http1(idle))
    }

    /// Keeps a connection whose exchange has ended, if there is room. `keep_alive` is the time for
    /// which the receiver announces to keep it open.
    pub(super) fn put(&self, key: &str, mut idle: IdleConnection, keep_alive: Option<Duration>) {
        let mut inner = self.lock();
        idle.since = Instant::now();
        if let Some(keep_alive) = keep_alive {
            idle.limit = keep_alive.saturating_sub(IDLE_MARGIN).min(MAX_IDLE_TIME);
        }
        if inner.kept >= self.max_idle || !idle.is_usable(idle.since) {
            return;
        }
        let inner = &mut *inner;
        let connections = match inner.origins.get_mut(key) {
            Some(connections) => connections,
            None => inner.origins.entry(key.into()).or_default(),
        };
        if connections.idle.len() < MAX_IDLE_PER_ORIGIN {
            connections.idle.push(idle);
            inner.kept += 1;
        }
    }

    /// Shares a new HTTP/2 connection, if need be in exchange for an idle one: if it were not kept,
    /// each of the requests that wait for it would make a connection of its own. One that allows no
    /// exchange is not kept, because each attempt would leave another of them open.
    pub(super) fn share(&self, key: &str, shared: Arc<SharedConnection>) -> Option<Slot> {
        let slot = shared.slot()?;
        let mut inner = self.lock();
        inner.make_room(self.max_idle.saturating_sub(1));
        inner.connections(key).shared.push(shared);
        inner.kept += 1;
        Some(slot)
    }

    /// Excludes a shared connection from further exchanges. Those under way go on.
    pub(super) fn retire(&self, key: &str, shared: &Arc<SharedConnection>) {
        let inner = &mut *self.lock();
        if let Some(connections) = inner.origins.get_mut(key) {
            inner.kept -= connections.remove(|other| Arc::ptr_eq(other, shared));
        }
    }

    /// Returns the lock that is held while dialing an origin whose connections may be shared; `None`
    /// for one that speaks HTTP/1.1.
    pub(super) fn dialing(&self, key: &str) -> Option<Arc<tokio::sync::Mutex<()>>> {
        let mut inner = self.lock();
        let connections = inner.connections(key);
        (!connections.speaks_http1).then(|| connections.dialing.clone())
    }

    /// Records the protocol that an origin chose.
    pub(super) fn speaks_http1(&self, key: &str, yes: bool) {
        self.lock().connections(key).speaks_http1 = yes;
    }

    /// Closes connections that were idle for too long or exceed the limit, and removes origins without
    /// connections.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let mut inner = self.lock();
        inner.origins.retain(|_, connections| {
            connections.idle.retain(|idle| idle.is_usable(now));
            connections.remove_unusable(now);
            !connections.idle.is_empty() || !connections.shared.is_empty()
        });
        inner.kept = inner.origins.values().map(Connections::kept).sum();
        inner.make_room(self.max_idle);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    fn connections(&mut self, key: &str) -> &mut Connections {
        self.origins.entry(key.into()).or_default()
    }

    /// Closes idle connections until at most `max` are left, or all that are left are busy. Shared
    /// ones go first, because only they are added beyond the limit.
    fn make_room(&mut self, max: usize) {
        while self.kept > max && (self.close_idle_shared() || self.close_idle()) {
            self.kept -= 1;
        }
    }

    /// Closes the oldest of the shared connections without an exchange.
    fn close_idle_shared(&mut self) -> bool {
        let idle = self.origins.values_mut().filter_map(|connections| {
            let at = connections
                .shared
                .iter()
                .position(|shared| shared.is_idle())?;
            Some((connections.shared.get(at)?.created, connections, at))
        });
        let oldest = idle.min_by_key(|(created, ..)| *created);
        oldest
            .map(|(_, connections, at)| connections.shared.remove(at))
            .is_some()
    }

    /// Closes the HTTP/1.1 connection that was idle for the longest time.
    fn close_idle(&mut self) -> bool {
        let idle = self
            .origins
            .values_mut()
            .filter_map(|connections| Some((connections.idle.first()?.since, connections)));
        let oldest = idle.min_by_key(|(since, _)| *since);
        oldest
            .map(|(_, connections)| connections.idle.remove(0))
            .is_some()
    }
}

impl Connections {
    fn kept(&self) -> usize {
        self.idle.len() + self.shared.len()
    }

    /// Removes shared connections that are closed or too old, and returns their number.
    fn remove_unusable(&mut self, now: Instant) -> usize {
        self.remove(|shared| shared.is_closed() || now - shared.created >= MAX_AGE)
    }

    fn remove(&mut self, unusable: impl Fn(&Arc<SharedConnection>) -> bool) -> usize {
        let before = self.shared.len();
        self.shared.retain(|shared| !unusable(shared));
        before - self.shared.len()
    }
}
