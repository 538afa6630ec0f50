//! Runs the tests of the apps on each of their stores.
//!
//! A test is an ordinary function that runs on the app's own store. [`on_every_store`](crate::on_every_store)
//! defines two more tests for each: the same function, on PostgreSQL and on Redis. Its platform takes
//! the address of the server from [`current`].

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::postgres::shared_url;
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

/// Runs `test` on PostgreSQL.
///
/// # Panics
///
/// The test fails, or PostgreSQL cannot be started.
pub fn on_postgres(test: impl FnOnce()) {
    let url = block_on(shared_url());
    // Without its schema, because each platform of a test has its own.
    let server = url.split('?').next().unwrap_or_default();
    run(Current::Postgres(server.to_owned()), test);
}

/// Runs `test` on Redis.
///
/// # Panics
///
/// The test fails, or Redis cannot be started.
pub fn on_redis(test: impl FnOnce()) {
    let server = shared_redis();
    run(Current::Redis(server.url()), test);
}

/// Returns the server that concurrent tests share. The last of them ends it.
fn shared_redis() -> Arc<RedisServer> {
    static SERVER: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());
    let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = shared.upgrade() {
        return running;
    }
    let databases = ["--databases", REDIS_DATABASES];
    let started = block_on(RedisServer::start_with(Fsync::EverySecond, &databases));
    let started = Arc::new(started);
    *shared = Arc::downgrade(&started);
    started
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(future)
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
