//! The client at the other end of a connection.

#![allow(
    clippy::disallowed_methods,
    reason = "clients are waited for in real time"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::stall_timer::{POLL_INTERVAL, SLOW_AFTER};

/// The client of one connection.
///
/// A client is *idle* while it has no request in flight. It is *awaited* while the server can do
/// nothing before the client sends (the head of a request, more of a body) or reads.
pub(super) struct Client {
    /// The reference for the times in milliseconds below.
    opened: Instant,
    /// The number of requests whose response is not complete.
    requests: AtomicUsize,
    /// The time of the last change to idle, in milliseconds.
    idle_since: AtomicU64,
    /// The start of the wait for a head or for room to write, in milliseconds plus one. 0 without a
    /// wait.
    awaited_since: AtomicU64,
    /// The start of the wait for more of a body, in milliseconds plus one. 0 without a wait.
    body_awaited_since: AtomicU64,
    /// The time at which a guest last polled for more of a body, in milliseconds. A guest that has
    /// stopped polling does not wait.
    body_polled_at: AtomicU64,
    /// The waker of the read that waits while a request is in flight. Its time limit starts at the
    /// end of the request, and no further byte may arrive to wake the connection then.
    reader: Mutex<Option<Waker>>,
    is_closed: AtomicBool,
    closing: Notify,
}

impl Client {
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            requests: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            awaited_since: AtomicU64::new(1),
            body_awaited_since: AtomicU64::new(0),
            body_polled_at: AtomicU64::new(0),
            reader: Mutex::new(None),
            is_closed: AtomicBool::new(false),
            closing: Notify::new(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }

    /// Starts the wait for a head, or for the client to read.
    pub(super) fn start_wait(&self) {
        begin(&self.awaited_since, self.now() + 1);
    }

    /// Ends the wait of [`Client::start_wait`].
    pub(super) fn end_wait(&self) {
        self.awaited_since.store(0, Ordering::Relaxed);
    }

    /// Starts or continues the wait of a guest for more of a body.
    pub(super) fn start_body_wait(&self) {
        let now = self.now();
        begin(&self.body_awaited_since, now + 1);
        self.body_polled_at.store(now, Ordering::Relaxed);
    }

    /// Ends the wait of [`Client::start_body_wait`].
    pub(super) fn end_body_wait(&self) {
        self.body_awaited_since.store(0, Ordering::Relaxed);
    }

    /// Returns the time since which the client is idle.
    fn idle_since(&self) -> Option<Instant> {
        let since = self.idle_since.load(Ordering::Relaxed);
        (self.requests.load(Ordering::Relaxed) == 0)
            .then(|| self.opened + Duration::from_millis(since))
    }

    /// Completes once the client is idle, with the time since which it is.
    pub(super) fn poll_idle(&self, context: &mut Context<'_>) -> Poll<Instant> {
        // Stored before the requests are checked, so that an end in between is not missed.
        let waker = context.waker();
        let mut reader = lock(&self.reader);
        if !reader.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *reader = Some(waker.clone());
        }
        drop(reader);
        self.idle_since().map_or(Poll::Pending, Poll::Ready)
    }

    /// Counts a new request.
    pub(super) fn begin_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.end_wait();
    }

    /// Counts the end of a request, and wakes the read that waits for it.
    pub(super) fn end_request(&self) {
        self.idle_since.store(self.now(), Ordering::Relaxed);
        if self.requests.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.start_wait();
            let reader = lock(&self.reader).take();
            reader.into_iter().for_each(Waker::wake);
        }
    }

    /// Returns the time since which the client is awaited.
    fn awaited_since(&self) -> Option<Instant> {
        let time = |millis: u64| self.opened + Duration::from_millis(millis);
        let started = |wait: &AtomicU64| wait.load(Ordering::Relaxed).checked_sub(1).map(time);
        let polled_at = time(self.body_polled_at.load(Ordering::Relaxed));
        let is_polled = polled_at.elapsed() <= POLL_INTERVAL;
        let body = started(&self.body_awaited_since).filter(|_| is_polled);
        [started(&self.awaited_since), body]
            .into_iter()
            .flatten()
            .min()
    }

    /// Returns `true` if the client is awaited for more than a second.
    pub(super) fn is_slow(&self) -> bool {
        let since = self.awaited_since();
        since.is_some_and(|since| since.elapsed() >= SLOW_AFTER)
    }

    /// Returns the time since which the client is awaited, if its connection can be closed in favour
    /// of another one: the client is idle or slow.
    pub(super) fn evictable_since(&self) -> Option<Instant> {
        let since = self.awaited_since()?;
        (self.is_slow() || self.idle_since().is_some()).then_some(since)
    }

    /// Closes the connection.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.closing.notify_one();
    }

    /// Returns `true` once the server has closed the connection.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Completes when the server closes the connection.
    pub(super) async fn closed(&self) {
        self.closing.notified().await;
    }
}

/// Stores the start of a wait, unless one is in progress.
fn begin(wait: &AtomicU64, since: u64) {
    let _ = wait.compare_exchange(0, since, Ordering::Relaxed, Ordering::Relaxed);
}

/// Locks a mutex. A panic in another thread does not make its data unusable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
