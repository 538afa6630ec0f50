//! The reader's lease: a key beside the stream, held by one process at a time.

use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use redis::RedisResult;
use redis_link::{Link, Script};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use webhook_model::Owner;

/// Sets the key if it is free, or held by a process that is known to be dead; otherwise returns its
/// holder. `KEYS[1]`: the key. `ARGV`: the new holder, milliseconds, the dead holder.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&["
        local holder = redis.call('GET', KEYS[1])
        if holder and holder ~= ARGV[1] and holder ~= ARGV[3] then return holder end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return ''"])
});

/// Extends the expiry of the key. Returns 0 if the key is missing or held by another process.
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&["
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        return redis.call('PEXPIRE', KEYS[1], ARGV[2])"])
});

/// Deletes the key and wakes a process that waits for it.
static DROP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&["
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('DEL', KEYS[1])
        local bell = KEYS[1] .. ':free'
        redis.call('DEL', bell)
        redis.call('RPUSH', bell, '1')
        redis.call('PEXPIRE', bell, ARGV[2])
        return 1"])
});

/// The key that the reader holds.
pub(super) struct ReaderLock {
    link: Arc<Link>,
    key: String,
    owner: Owner,
    lease: Duration,
}

/// The lease of the reader. Other processes can acquire it at once after [`ReaderLock::hand_over`];
/// after a mere drop only when it expires.
pub(super) struct ReaderLease {
    /// Cancelled when the lease is lost or may have expired.
    lost: CancellationToken,
    renewing: JoinHandle<()>,
}

impl ReaderLock {
    pub(super) fn new(
        link: Arc<Link>,
        stream: &str,
        group: &str,
        owner: Owner,
        lease: Duration,
    ) -> Self {
        // The stream's name is the hash tag, so that a cluster keeps both on one node.
        let key = format!("ws:{{{stream}}}:{group}:reader");
        Self {
            link,
            key,
            owner,
            lease,
        }
    }

    /// Acquires the lease if it is free. Returns `None` if another process holds it.
    pub(super) async fn take(&self) -> RedisResult<Option<ReaderLease>> {
        let mut gone = String::new();
        loop {
            let since = Instant::now();
            let mut call = TAKE.call(self.key.as_bytes());
            call.arg(self.mark()).arg(self.lease_ms()).arg(&gone);
            let holder: String = redis::from_redis_value(self.link.run(&TAKE, &call).await?)?;
            if holder.is_empty() {
                return Ok(Some(self.hold(since)));
            }
            if !self.is_gone(&holder) {
                return Ok(None);
            }
            gone = holder;
        }
    }

    /// Checks that the server responds. The stream need not exist.
    pub(super) async fn ping(&self) -> RedisResult<()> {
        let mut command = redis::cmd("GET");
        command.arg(&self.key);
        self.link.query(&command).await.map(drop)
    }

    /// Waits until the lease may be free, at most `at_most`.
    pub(super) async fn wait(&self, waiting: &Link, at_most: Duration) -> RedisResult<()> {
        let mut command = redis::cmd("BLPOP");
        command
            .arg(format!("{}:free", self.key))
            .arg(at_most.as_secs_f64());
        waiting.query(&command).await.map(drop)
    }

    /// Releases the lease if this process has it, and wakes a process that waits for it. `lease` is `None`
    /// if the outcome of [`ReaderLock::take`] is unknown.
    pub(super) async fn hand_over(&self, lease: Option<ReaderLease>) -> RedisResult<()> {
        drop(lease);
        let mut call = DROP.call(self.key.as_bytes());
        call.arg(self.mark()).arg(self.lease_ms());
        self.link.run(&DROP, &call).await.map(drop)
    }

    fn hold(&self, since: Instant) -> ReaderLease {
        let lost = CancellationToken::new();
        let renewal = Renewal {
            link: self.link.clone(),
            key: self.key.clone(),
            mark: self.mark(),
            lease: self.lease,
            until: since + self.lease,
        };
        let guard = lost.clone().drop_guard();
        let renewing = tokio::spawn(async move {
            renewal.run().await;
            drop(guard);
        });
        ReaderLease { lost, renewing }
    }

    /// Returns the value of the key: incarnation, process id and host.
    fn mark(&self) -> String {
        let Owner {
            incarnation,
            host,
            pid,
            ..
        } = &self.owner;
        format!("{incarnation} {pid} {host}")
    }

    fn is_gone(&self, mark: &str) -> bool {
        let mut parts = mark.splitn(3, ' ');
        let (_, pid, host) = (parts.next(), parts.next(), parts.next());
        let pid = pid.and_then(|pid| pid.parse().ok());
        pid.zip(host)
            .is_some_and(|(pid, host)| self.owner.is_known_gone(host, pid))
    }

    fn lease_ms(&self) -> u64 {
        u64::try_from(self.lease.as_millis())
            .unwrap_or(u64::MAX)
            .max(1)
    }
}

impl ReaderLease {
    /// Returns the token that is cancelled when the lease is lost.
    pub(super) fn lost(&self) -> &CancellationToken {
        &self.lost
    }
}

impl Drop for ReaderLease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

struct Renewal {
    link: Arc<Link>,
    key: String,
    mark: String,
    lease: Duration,
    /// The time until which no other process can hold the lease.
    until: Instant,
}

impl Renewal {
    /// Renews until the lease is lost.
    async fn run(mut self) {
        let mut ticks = tokio::time::interval(self.lease / 4);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let since = Instant::now();
            let mut call = RENEW.call(self.key.as_bytes());
            call.arg(&self.mark)
                .arg(u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX));
            let renewed = tokio::time::timeout_at(self.until, self.link.run(&RENEW, &call)).await;
            match renewed {
                Ok(Ok(redis::Value::Int(1))) => self.until = since + self.lease,
                // The server is unreachable: the lease is valid until it expires.
                Ok(Err(_)) if Instant::now() < self.until => {}
                _ => return,
            }
        }
    }
}
