//! Seen ids in Redis or Valkey.

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

use super::{BoxFuture, Claim, RETENTION, SeenIds, StoreError, Ticket};

/// What a key holds once its id is done. While it is being processed, it holds the claim's token.
const DONE: &str = "done";

/// How long a claim outlives the process that made it, where nothing else is chosen.
const LEASE: Duration = Duration::from_secs(30);

/// A shorter one would end between two renewals, and one of nothing would renew without a pause.
const LEAST_LEASE: Duration = Duration::from_secs(1);

/// How long Redis may take to accept a connection, and to answer a command.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lengthens a lease of one's own: key, token, milliseconds.
const RENEW: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then \
     return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0";

/// Deletes a claim of one's own: key, token.
const RELEASE: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then \
     return redis.call('del', KEYS[1]) end return 0";

/// Ids in Redis 6.2 or later, or Valkey, for receivers of any number of processes.
///
/// One key an id, which Redis forgets by itself. A claim is a lease that is renewed for as long as
/// its request is processed; the claim of a process that died is free again after that lease.
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
    /// What no other store draws, and the number of claims it is to be joined with.
    process: String,
    claims: AtomicU64,
}

impl RedisIds {
    /// Connects to `url`, and connects again whenever the connection is lost.
    ///
    /// # Errors
    ///
    /// If `url` is none, or nothing answers there within some seconds.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(1);
        let client = Client::open(url)?;
        let connection = ConnectionManager::new_with_config(client, config).await?;
        Ok(Self::new(connection))
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> RedisIds<C> {
    /// Over a connection of the caller's, a cluster's for example. It should answer, or fail,
    /// within seconds.
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

    /// Begins every key with `prefix`, instead of `webhook-id:`. Each sender needs its own.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Remembers a done id for so long, instead of [`RETENTION`].
    ///
    /// It has to be more than twice the layer's [tolerance](super::VerifyLayer::tolerance): a
    /// signature of a sender whose clock is ahead is fresh for that long, and whoever has captured
    /// it could have it processed again.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Lets a claim outlive its process for so long, instead of thirty seconds, and for a second at
    /// least. It is renewed three times in that time, for as long as the process is there.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(LEAST_LEASE);
        self
    }

    fn claimed(&self, id: &str) -> Claimed<C> {
        let number = self.claims.fetch_add(1, Ordering::Relaxed);
        Claimed {
            connection: self.connection.clone(),
            key: format!("{}{id}", self.prefix),
            token: format!("{}-{number}", self.process),
            lease: self.lease,
            retention: self.retention,
        }
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> SeenIds for RedisIds<C> {
    fn claim<'a>(&'a self, id: &'a str, _: u64) -> BoxFuture<'a, Result<Claim, StoreError>> {
        // A task, so that a claim whose caller is cancelled half-way is not left behind: what the
        // task answers is then dropped.
        let claiming = tokio::spawn(self.claimed(id).claim());
        Box::pin(async move { Ok(claiming.await??) })
    }
}

/// A claimed id, and what it takes to keep it.
struct Claimed<C> {
    connection: C,
    key: String,
    token: String,
    lease: Duration,
    retention: Duration,
}

/// Where to send the answer to, of a claim that is to be completed.
type Completed = oneshot::Sender<Result<(), StoreError>>;

impl<C: ConnectionLike + Send + 'static> Claimed<C> {
    async fn claim(mut self) -> Result<Claim, RedisError> {
        let held = self.take().await?;
        if held == DONE {
            return Ok(Claim::Done);
        }
        if held != self.token {
            return Ok(Claim::InProgress);
        }
        let (end, ended) = oneshot::channel();
        tokio::spawn(self.keep(ended));
        Ok(Claim::Granted(Box::new(Held(end))))
    }

    /// Sets the key if there is none, and answers what it holds then, in one step.
    async fn take(&mut self) -> Result<String, RedisError> {
        let (_, held): (Option<String>, String) = redis::pipe()
            .atomic()
            .cmd("SET")
            .arg(&self.key)
            .arg(&self.token)
            .arg("NX")
            .arg("PX")
            .arg(milliseconds(self.lease))
            .cmd("GET")
            .arg(&self.key)
            .query_async(&mut self.connection)
            .await?;
        Ok(held)
    }

    /// Renews the lease until the claim ends, and then does what it ends with: completed, or
    /// dropped.
    ///
    /// That is a task of its own, because whoever drops a ticket cannot wait, and whoever waits for
    /// one to be completed may be cancelled.
    async fn keep(mut self, mut ended: oneshot::Receiver<Completed>) {
        loop {
            tokio::select! {
                end = &mut ended => return self.end(end.ok()).await,
                () = tokio::time::sleep(self.lease / 3) => self.renew().await,
            }
        }
    }

    async fn end(mut self, completed: Option<Completed>) {
        match completed {
            Some(answer) => {
                // Nobody listens where the request was cancelled meanwhile.
                let _ = answer.send(self.complete().await.map_err(StoreError::from));
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
        let lease = milliseconds(self.lease);
        if let Err(error) = self.evaluate(RENEW, Some(lease)).await {
            tracing::warn!(%error, "the claim of a webhook's id was not renewed");
        }
    }

    async fn release(&mut self) {
        if let Err(error) = self.evaluate(RELEASE, None).await {
            tracing::warn!(%error, "a webhook's id is not free again before its lease ends");
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

/// Redis refuses an expiry of nothing, and one that overflows its clock.
fn milliseconds(duration: Duration) -> u64 {
    const LONGEST: u64 = 1 << 52;
    u64::try_from(duration.as_millis()).map_or(LONGEST, |duration| duration.clamp(1, LONGEST))
}

/// The end of the line to the task that keeps the claim. Dropping it ends the claim as well.
struct Held(oneshot::Sender<Completed>);

impl Ticket for Held {
    fn complete(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        let (answer, answered) = oneshot::channel();
        let told = self.0.send(answer);
        Box::pin(async move {
            told.map_err(|_| "the runtime that keeps the claim has ended")?;
            answered.await?
        })
    }
}
