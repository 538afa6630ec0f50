//! Who reads: a key beside the stream, held by one process at a time.

use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use redis::RedisResult;
use redis_link::{Link, Script};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use webhook_model::Owner;

/// Takes the key if nobody has it, or the one who is known to be gone. Answers who has it else.
/// KEYS[1]: the key. ARGV: the taker, milliseconds, the holder that is gone.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&["
        local holder = redis.call('GET', KEYS[1])
        if holder and holder ~= ARGV[1] and holder ~= ARGV[3] then return holder end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return ''"])
});

/// Holds the key for longer. Answers 0 if it is somebody else's or nobody's.
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&["
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        return redis.call('PEXPIRE', KEYS[1], ARGV[2])"])
});

/// Gives the key up and wakes one who waits for it. What nobody waits for is gone with the time.
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

/// The place of the one reader.
pub(super) struct Place {
    link: Arc<Link>,
    key: String,
    owner: Owner,
    lease: Duration,
}

/// The place, held. Others may take it when it is dropped, and at once after [`Baton::hand_over`].
pub(super) struct Baton {
    /// Cancelled when the place is lost, or might be.
    lost: CancellationToken,
    renewing: JoinHandle<()>,
}

impl Place {
    pub(super) fn new(
        link: Arc<Link>,
        stream: &str,
        group: &str,
        owner: Owner,
        lease: Duration,
    ) -> Self {
        // The stream's name is the hash tag, so that in a cluster both are on one node.
        let key = format!("ws:{{{stream}}}:{group}:reader");
        Self {
            link,
            key,
            owner,
            lease,
        }
    }

    /// Takes the place if it is free.
    pub(super) async fn take(&self) -> RedisResult<Option<Baton>> {
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

    /// Checks that the server responds, whether the stream is there or not.
    pub(super) async fn reach(&self) -> RedisResult<()> {
        let mut command = redis::cmd("GET");
        command.arg(&self.key);
        self.link.ask(&command).await.map(drop)
    }

    /// Waits until the place may be free, at most `at_most`.
    pub(super) async fn wait(&self, waiting: &Link, at_most: Duration) -> RedisResult<()> {
        let mut command = redis::cmd("BLPOP");
        command
            .arg(format!("{}:free", self.key))
            .arg(at_most.as_secs_f64());
        waiting.ask(&command).await.map(drop)
    }

    /// Gives the place to one who waits.
    pub(super) async fn hand_over(&self, baton: Baton) -> RedisResult<()> {
        baton.renewing.abort();
        let mut call = DROP.call(self.key.as_bytes());
        call.arg(self.mark()).arg(self.lease_ms());
        self.link.run(&DROP, &call).await.map(drop)
    }

    fn hold(&self, since: Instant) -> Baton {
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
        Baton { lost, renewing }
    }

    /// What is written into the key: which run, where.
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

impl Baton {
    /// Is cancelled when the place is lost.
    pub(super) fn lost(&self) -> &CancellationToken {
        &self.lost
    }
}

impl Drop for Baton {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

struct Renewal {
    link: Arc<Link>,
    key: String,
    mark: String,
    lease: Duration,
    /// Until when it is certain that nobody else has the place.
    until: Instant,
}

impl Renewal {
    /// Renews until the place is lost.
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
                // Out of reach: it is ours until its end.
                Ok(Err(_)) if Instant::now() < self.until => {}
                _ => return,
            }
        }
    }
}
