//! Runs the tests of the apps on each of their stores.
//!
//! A test is an ordinary function that runs on the app's own store. [`on_every_store`](crate::on_every_store)
//! defines two more tests for each: the same function, on PostgreSQL and on Redis. Its platform takes
//! the address of the server from [`current`].

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::postgres::PostgresServer;
use crate::redis::{Fsync, RedisServer};

/// The number of databases of a Redis server, one for each platform of its tests.
const REDIS_DATABASES: &str = "2000";

/// The store of the current test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Current {
    /// The app's own.
    Local,
    /// A PostgreSQL server, with its URL.
    Postgres(String),
    /// A Redis server, with its URL without a database.
    Redis(String),
}

thread_local! {
    static CURRENT: RefCell<Current> = const { RefCell::new(Current::Local) };
}

/// Returns the store of the test that this thread runs.
pub fn current() -> Current {
    CURRENT.with_borrow(Clone::clone)
}

/// Returns a number that no other call in this process returns: for schemas and databases.
pub fn unique() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A server that concurrent tests share. The last of them ends it.
struct Shared<T>(Mutex<Weak<T>>);

impl<T> Shared<T> {
    const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    fn get(&self, start: impl FnOnce() -> T) -> Arc<T> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.upgrade() {
            Some(running) => running,
            None => {
                let started = Arc::new(start());
                *shared = Arc::downgrade(&started);
                started
            }
        }
    }
}

/// Runs `test` on PostgreSQL.
pub fn on_postgres(test: impl FnOnce()) {
    static SERVER: Shared<PostgresServer> = Shared::new();
    let server = SERVER.get(PostgresServer::start);
    run(Current::Postgres(server.url()), test);
}

/// Runs `test` on Redis.
pub fn on_redis(test: impl FnOnce()) {
    static SERVER: Shared<RedisServer> = Shared::new();
    let server = SERVER.get(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be built");
        let databases = ["--databases", REDIS_DATABASES];
        runtime.block_on(RedisServer::start_with(Fsync::EverySecond, &databases))
    });
    run(Current::Redis(server.url()), test);
}

fn run(store: Current, test: impl FnOnce()) {
    CURRENT.set(store);
    test();
}

/// Defines the tests `on_postgres::…` and `on_redis::…` of the named tests.
#[macro_export]
macro_rules! on_every_store {
    ($($test:ident),* $(,)?) => {
        mod on_postgres {
            $(
                #[test]
                fn $test() {
                    $crate::stores::on_postgres(super::$test);
                }
            )*
        }

        mod on_redis {
            $(
                #[test]
                fn $test() {
                    $crate::stores::on_redis(super::$test);
                }
            )*
        }
    };
}
