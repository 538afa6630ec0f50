//! A shared connection that reconnects.
//!
//! All calls share one connection, on which concurrent commands are pipelined. If the connection is
//! lost, every call on it fails at once, and the next call reconnects. Connection attempts are
//! spaced with a growing, random delay; callers that wait for one share its outcome.
//!
//! `redis::aio::ConnectionManager` is not used: it cannot bound the size of a reply, and has no form for a
//! cluster (`docs/decisions/0009-own-connections.md`).

use std::io;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Arg, AsyncConnectionConfig, Cmd, RedisError, RedisResult, Value};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use webhook_model::Backoff;

use super::Address;
use super::bounded::{Bound, REPLY_TOO_LARGE};
use super::script::Script;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection to Redis or Valkey that tasks share.
pub struct Link {
    address: Address,
    response_timeout: Duration,
    /// The maximum number of bytes of a reply, if there is one. Not enforced for a cluster.
    bound: Option<Bound>,
    /// The open connection and its number. Written by the task that connects, or finds it broken.
    open: RwLock<Option<(u64, Connection)>>,
    /// Locked while connecting, so that one task connects for all.
    connecting: Mutex<Failures>,
    /// The number of connection attempts that have ended.
    attempts: AtomicU64,
}

/// The failed connection attempts since the last successful one.
#[derive(Default)]
struct Failures {
    backoff: Backoff,
    last: Option<Failure>,
}

struct Failure {
    error: RedisError,
    /// The moment of the next attempt.
    until: Instant,
}

#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Link {
    /// Returns a link that connects at the first call. A call without a reply within
    /// `response_timeout` fails, and its connection is closed.
    pub fn new(address: Address, response_timeout: Duration) -> Self {
        Self {
            address,
            response_timeout,
            bound: None,
            open: RwLock::default(),
            connecting: Mutex::default(),
            attempts: AtomicU64::new(0),
        }
    }

    /// Limits replies to `max_bytes` bytes, for commands that are sent one after the other. A larger
    /// reply is an error with the code [`REPLY_TOO_LARGE`], and closes the
    /// connection.
    pub fn with_max_reply(self, max_bytes: usize) -> Self {
        Self {
            bound: Some(Bound::new(max_bytes)),
            ..self
        }
    }

    /// Returns the address that it connects to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a command and waits for its reply.
    ///
    /// # Errors
    ///
    /// An error of the server, or of the connection: then the command may or may not have run.
    pub async fn query(&self, command: &Cmd) -> RedisResult<Value> {
        let (number, mut connection) = self.connection().await?;
        let reply = match &mut connection {
            Connection::Single(single) => single.req_packed_command(command).await,
            Connection::Cluster(cluster) => cluster.req_packed_command(command).await,
        };
        let reply = reply.and_then(Value::extract_error);
        let reply = reply.map_err(|error| self.explain(error));
        if reply.as_ref().is_err_and(is_of_the_connection) {
            self.give_up(number);
        }
        reply
    }

    /// Runs a script, which is sent in full only if the server does not know it.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Link::query`].
    pub async fn run(&self, script: &Script, call: &Cmd) -> RedisResult<Value> {
        match self.query(call).await {
            Err(error) if error.code() == Some("NOSCRIPT") => {
                // EVAL stores the script on the node of the key, in a cluster too.
                self.query(&in_full(script, call)).await
            }
            reply => reply,
        }
    }

    fn explain(&self, error: RedisError) -> RedisError {
        match &self.bound {
            Some(bound) => bound.explain(error),
            None => error,
        }
    }

    async fn connection(&self) -> RedisResult<(u64, Connection)> {
        if let Some(open) = self.open() {
            return Ok(open);
        }
        let before = self.attempts.load(Ordering::SeqCst);
        let mut failures = self.connecting.lock().await;
        if let Some(open) = self.open() {
            return Ok(open);
        }
        let attempts = self.attempts.load(Ordering::SeqCst);
        if let Some(last) = failures.last.as_ref().filter(|_| attempts > before) {
            return Err(last.error.clone());
        }
        failures.wait().await;
        let outcome = self.connect().await.map_err(in_words);
        let number = self.attempts.fetch_add(1, Ordering::SeqCst);
        match outcome {
            Ok(connection) => {
                *failures = Failures::default();
                let open = (number, connection);
                *self.write() = Some(open.clone());
                Ok(open)
            }
            Err(error) => {
                failures.last = Some(Failure {
                    error: error.clone(),
                    until: Instant::now() + failures.backoff.next_wait(),
                });
                Err(error)
            }
        }
    }

    async fn connect(&self) -> RedisResult<Connection> {
        if self.address.is_cluster() {
            let client = redis::cluster::ClusterClient::builder(self.address.urls().to_vec())
                .connection_timeout(CONNECT_TIMEOUT)
                .response_timeout(self.response_timeout)
                .build()?;
            return Ok(Connection::Cluster(client.get_async_connection().await?));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(self.response_timeout));
        let client = self.client()?;
        let connection = match &self.bound {
            None => {
                client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?
            }
            Some(bound) => timeout(CONNECT_TIMEOUT, bound.connect(&client, config))
                .await
                .map_err(io::Error::from)??,
        };
        Ok(Connection::Single(connection))
    }

    /// Returns a client of the server, or of one node of the cluster, for subscriptions.
    pub fn client(&self) -> RedisResult<redis::Client> {
        let first = self.address.urls().first().map(String::as_str);
        redis::Client::open(first.unwrap_or_default())
    }

    fn open(&self) -> Option<(u64, Connection)> {
        let open = self
            .open
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        open.clone()
    }

    fn give_up(&self, number: u64) {
        let mut open = self.write();
        // Another task may have reconnected in the meantime.
        if open.as_ref().is_some_and(|(current, _)| *current == number) {
            *open = None;
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Option<(u64, Connection)>> {
        self.open
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Failures {
    /// Waits until another attempt may be made.
    async fn wait(&self) {
        if let Some(Failure { until, .. }) = &self.last {
            tokio::time::sleep_until(*until).await;
        }
    }
}

/// Converts an error of TLS to a readable one.
fn in_words(error: RedisError) -> RedisError {
    match tls_trust::find(&error) {
        Some(text) => io::Error::other(text).into(),
        None => error,
    }
}

/// Returns whether another connection may succeed. If the server has become a replica it may, because
/// the host name may lead to the new primary.
fn is_of_the_connection(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_timeout()
        || error.is_connection_dropped()
        || matches!(error.code(), Some("READONLY" | REPLY_TOO_LARGE))
}

/// Converts `EVALSHA sha …` to `EVAL source …`.
fn in_full(script: &Script, call: &Cmd) -> Cmd {
    let mut full = redis::cmd("EVAL");
    full.arg(script.source());
    for argument in call.args_iter().skip(2) {
        if let Arg::Simple(bytes) = argument {
            full.arg(bytes);
        }
    }
    full
}
