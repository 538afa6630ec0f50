//! The store: the state and functions that its operations share. Each operation has a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use redis::{Cmd, FromRedisValue, Value};
use redis_link::{Address, Link, Script};
use tokio::sync::Notify;
use webhook_model::{Millis, TenantId};

use super::keys::{self, TenantKeys};
use super::scores::Scores;
use super::wake::{Denials, Listener};
use crate::in_flight::InFlightTracker;
use crate::unwritten::UnwrittenCounts;
use crate::{Result, StoreError};

/// The timeout of a reply, longer than the delay that a busy disk causes.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of deliveries in one script call, so that other clients do not wait for long.
pub(super) const AT_A_TIME: usize = 512;

/// The maximum number of concurrent calls, where there is one for each tenant.
const CALLS_AT_A_TIME: usize = 128;

/// A store in one Redis or Valkey, which any number of processes share.
pub struct RedisStore {
    pub(super) link: Arc<Link>,
    pub(super) in_flight: InFlightTracker,
    pub(super) unwritten: UnwrittenCounts,
    pub(super) delivery_scores: Scores,
    pub(super) event_scores: Scores,
    /// True if a hint may be missing because its write failed.
    pub(super) hints_missing: AtomicBool,
    /// True if the server's eviction policy was checked.
    pub(super) eviction_checked: AtomicBool,
    /// The payload of wakes that this process publishes.
    pub(super) mark: String,
    /// Notified when another process has made a delivery due.
    pub(super) wakes: Arc<Notify>,
    denials: Arc<Denials>,
    _listener: Listener,
}

impl RedisStore {
    /// Returns the store at `address`. It connects at the first call, and again after a lost connection.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, because it starts a task that listens for the wakes of other
    /// processes.
    pub fn new(address: Address) -> Self {
        let link = Arc::new(Link::new(address, RESPONSE_TIMEOUT));
        let wakes = Arc::new(Notify::new());
        let denials = Arc::new(Denials::default());
        let mark = hex::encode(rand::random::<[u8; 8]>());
        Self {
            in_flight: InFlightTracker::default(),
            unwritten: UnwrittenCounts::default(),
            delivery_scores: Scores::default(),
            event_scores: Scores::default(),
            hints_missing: AtomicBool::new(false),
            eviction_checked: AtomicBool::new(false),
            _listener: Listener::start(link.clone(), wakes.clone(), mark.clone(), denials.clone()),
            denials,
            link,
            mark,
            wakes,
        }
    }

    /// Sends a command, and converts its reply.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let reply = self.link.query(command).await;
        self.read(reply.map_err(|error| self.failed(error))?)
    }

    /// Runs a script, and converts its reply.
    pub(super) async fn run<T: FromRedisValue>(&self, script: &Script, call: &Cmd) -> Result<T> {
        let reply = self.link.run(script, call).await;
        self.read(reply.map_err(|error| self.failed(error))?)
    }

    fn read<T: FromRedisValue>(&self, reply: Value) -> Result<T> {
        redis::from_redis_value(reply).map_err(|error| self.failed(error))
    }

    /// Returns the error of a call that failed with `detail`.
    pub(super) fn failed(&self, detail: impl std::fmt::Display) -> StoreError {
        StoreError::Unavailable {
            store: self.link.address().to_string(),
            detail: detail.to_string(),
        }
    }

    /// Writes the hint that a tenant has a delivery due at `lowered`, and wakes other processes.
    /// Does nothing if `lowered` is empty.
    ///
    /// A failure is not returned: `hints_missing` causes the next call of `due` to restore the hint.
    pub(super) async fn publish_wake(&self, tenant: &TenantId, lowered: &str) {
        if lowered.is_empty() {
            return;
        }
        let mut hint = redis::cmd("ZADD");
        hint.arg(keys::hints())
            .arg("LT")
            .arg(lowered)
            .arg(tenant.as_str());
        let mut wake = redis::cmd("PUBLISH");
        wake.arg(keys::wake()).arg(&self.mark);
        let published = futures::join!(self.link.query(&hint), self.link.query(&wake));
        if let (Err(error), _) | (_, Err(error)) = &published {
            self.denials.report(error);
            tracing::debug!(%tenant, %error, "publishing a wake failed");
            self.hints_missing.store(true, Ordering::SeqCst);
        }
    }
}

/// Runs calls concurrently. Returns their results in order, or the first error.
pub(super) async fn all<T>(calls: Vec<impl Future<Output = Result<T>>>) -> Result<Vec<T>> {
    stream::iter(calls)
        .buffered(CALLS_AT_A_TIME)
        .try_collect()
        .await
}

/// Runs calls concurrently. Returns the result of each, in order.
pub(super) async fn each<T>(calls: Vec<impl Future<Output = Result<T>>>) -> Vec<Result<T>> {
    stream::iter(calls)
        .buffered(CALLS_AT_A_TIME)
        .collect()
        .await
}

/// Returns a time in the form in which the scripts write it into records.
pub(super) fn stamp(at: Millis) -> [u8; 8] {
    at.0.to_be_bytes()
}

/// Returns a call of a tenant's script.
pub(super) fn tenant_call(script: &Script, tenant: &TenantId) -> Cmd {
    script.call(&TenantKeys::of(tenant).root())
}

/// Returns a call of a script over the shared keys.
pub(super) fn shared_call(script: &Script) -> Cmd {
    script.call(keys::tenants().as_bytes())
}
