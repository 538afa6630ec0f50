//! A deduplication store in Redis or Valkey.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::hash::{BuildHasher, Hasher};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::hash::RandomState;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError};
use tokio::sync::oneshot;

use super::{BoxFuture, Claim, DedupStore, RETENTION, StoreError, Ticket};

/// The value of a key whose id is done. While the id is being processed, it is the claim's token.
const DONE: &str = "done";

/// The default lease: how long a claim outlives the process that made it.
const LEASE: Duration = Duration::from_secs(30);

/// The minimum lease. A shorter one could expire between two renewals.
const MIN_LEASE: Duration = Duration::from_secs(1);

/// The time limit for a connection and for the reply to a command.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Extends a lease, if the token still owns it: key, token, milliseconds.
const RENEW: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then \
     return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0";

/// Deletes a claim, if the token still owns it: key, token.
const RELEASE: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then \
     return redis.call('del', KEYS[1]) end return 0";

/// Ids in Redis 6.2 or later, or in Valkey, shared by any number of processes.
///
/// Each id is one key, which expires. A claim is a lease that is renewed while its request is being
/// processed; if the process dies, the id becomes free again when the lease expires.
///
/// ```no_run
/// use webhook_signature::tower::RedisIds;
///
/// # async fn connect() -> Result<(), webhook_signature::tower::StoreError> {
/// let ids = RedisIds::connect("redis://127.0.0.1:6379").await?.prefix("acme:webhook-id:");
/// # let _ = ids;
/// # Ok(())
/// # }
/// ```
pub struct RedisIds<C = ConnectionManager> {
    connection: C,
    prefix: String,
    retention: Duration,
    lease: Duration,
    /// A random prefix for the tokens of this store's claims, and the number of claims so far.
    process: String,
    claims: AtomicU64,
}

impl RedisIds {
    /// Connects to `url`, and reconnects when the connection is lost.
    ///
    /// # Errors
    ///
    /// Returns an error if `url` is not a URL, or if the server does not respond within seconds.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_number_of_retries(1);
        let client = Client::open(url)?;
        let connection = ConnectionManager::new_with_config(client, config).await?;
        Ok(Self::new(connection))
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> RedisIds<C> {
    /// Uses an existing connection, for example to a cluster. It should reply or fail within
    /// seconds.
    pub fn new(connection: C) -> Self {
        let random = || RandomState::new().build_hasher().finish();
        Self {
            connection,
            prefix: String::from("webhook-id:"),
            retention: RETENTION,
            lease: LEASE,
            process: format!("{:016x}{:016x}", random(), random()),
            claims: AtomicU64::new(0),
        }
    }

    /// Sets the prefix of every key, instead of `webhook-id:`. Each sender needs its own.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long a done id is remembered, instead of [`RETENTION`].
    ///
    /// It must be more than twice the layer's [tolerance](super::VerifyLayer::tolerance): the
    /// signature of a sender whose clock is ahead stays fresh for that long, and a captured request
    /// could be replayed.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Sets how long a claim outlives its process, instead of thirty seconds; at least one second.
    /// A living process renews it three times in that time.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(MIN_LEASE);
        self
    }

    fn lease_of(&self, id: &str) -> Lease<C> {
        let number = self.claims.fetch_add(1, Ordering::Relaxed);
        Lease {
            connection: self.connection.clone(),
            key: format!("{}{id}", self.prefix),
            token: format!("{}-{number}", self.process),
            duration: self.lease,
            retention: self.retention,
        }
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> DedupStore for RedisIds<C> {
    fn claim<'a>(&'a self, id: &'a str, _: u64) -> BoxFuture<'a, Result<Claim, StoreError>> {
        // A task, so that the claim of a caller that is cancelled half-way does not stay behind: the
        // ticket that the task returns is then dropped.
        let claiming = tokio::spawn(self.lease_of(id).claim());
        Box::pin(async move { Ok(claiming.await??) })
    }
}

/// The lease of an id.
struct Lease<C> {
    connection: C,
    key: String,
    token: String,
    duration: Duration,
    retention: Duration,
}

/// A request to complete the claim: the channel for the result.
type Completion = oneshot::Sender<Result<(), StoreError>>;

impl<C: ConnectionLike + Send + 'static> Lease<C> {
    async fn claim(mut self) -> Result<Claim, RedisError> {
        let value = self.set_if_absent().await?;
        if value == DONE {
            return Ok(Claim::Done);
        }
        if value != self.token {
            return Ok(Claim::InProgress);
        }
        let (end, ended) = oneshot::channel();
        tokio::spawn(self.keep(ended));
        Ok(Claim::Granted(Box::new(RedisTicket(end))))
    }

    /// Sets the key if it is absent, and returns its value, atomically.
    async fn set_if_absent(&mut self) -> Result<String, RedisError> {
        let (_, value): (Option<String>, String) = redis::pipe()
            .atomic()
            .cmd("SET")
            .arg(&self.key)
            .arg(&self.token)
            .arg("NX")
            .arg("PX")
            .arg(milliseconds(self.duration))
            .cmd("GET")
            .arg(&self.key)
            .query_async(&mut self.connection)
            .await?;
        Ok(value)
    }

    /// Renews the lease until its ticket is completed or dropped, and then completes or releases it.
    ///
    /// This is a task of its own, because the drop of a ticket cannot wait, and the caller that waits
    /// for its completion may be cancelled.
    async fn keep(mut self, mut ended: oneshot::Receiver<Completion>) {
        loop {
            tokio::select! {
                end = &mut ended => return self.end(end.ok()).await,
                () = tokio::time::sleep(self.duration / 3) => self.renew().await,
            }
        }
    }

    async fn end(mut self, completion: Option<Completion>) {
        match completion {
            Some(result) => {
                // Sending fails if the request was cancelled in the meantime.
                let _ = result.send(self.complete().await.map_err(StoreError::from));
            }
            None => self.release().await,
        }
    }

    async fn complete(&mut self) -> Result<(), RedisError> {
        redis::cmd("SET")
            .arg(&self.key)
            .arg(DONE)
            .arg("PX")
            .arg(milliseconds(self.retention))
            .query_async(&mut self.connection)
            .await
    }

    async fn renew(&mut self) {
        let lease = milliseconds(self.duration);
        if let Err(error) = self.evaluate(RENEW, Some(lease)).await {
            tracing::warn!(%error, "deduplication store failed to renew the lease of an id");
        }
    }

    async fn release(&mut self) {
        if let Err(error) = self.evaluate(RELEASE, None).await {
            tracing::warn!(%error, "deduplication store failed to release an id before its lease expires");
        }
    }

    async fn evaluate(&mut self, script: &str, argument: Option<u64>) -> Result<(), RedisError> {
        redis::cmd("EVAL")
            .arg(script)
            .arg(1)
            .arg(&self.key)
            .arg(&self.token)
            .arg(argument)
            .query_async(&mut self.connection)
            .await
    }
}

/// Clamps an expiry: Redis rejects zero, and values that overflow its clock.
fn milliseconds(duration: Duration) -> u64 {
    const MAX: u64 = 1 << 52;
    u64::try_from(duration.as_millis()).map_or(MAX, |duration| duration.clamp(1, MAX))
}

/// The channel to the task that keeps the lease. Dropping it releases the lease.
struct RedisTicket(oneshot::Sender<Completion>);

impl Ticket for RedisTicket {
    fn complete(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        let (sender, result) = oneshot::channel();
        let sent = self.0.send(sender);
        Box::pin(async move {
            sent.map_err(|_| "the runtime that keeps the lease has ended")?;
            result.await?
        })
    }
}
